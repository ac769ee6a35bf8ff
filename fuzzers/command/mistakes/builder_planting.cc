// BuilderMistake, planted: between the builder and its host.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "fuzzers/command/mistakes/builder_mistake.h"
#include "fuzzers/command/mistakes/planting.h"
#include "oracle/target/eptdiff_builder.h"
#include "oracle/target/eptdiff_target.h"

extern "C" {
void eptdiff_planted_builder_describe(eptdiff_builder_profile* profile);
int eptdiff_planted_builder_create(const eptdiff_question* machine,
                                   uint64_t unused, const eptdiff_host* host,
                                   uint64_t* eptp);
int eptdiff_planted_builder_perform(const eptdiff_builder_operation* operation);
void eptdiff_planted_builder_list(void (*visit)(void* context, uint64_t gpa,
                                                uint64_t hpa, uint64_t bytes,
                                                uint64_t flags),
                                  void* context);
void eptdiff_planted_builder_destroy(void);
}

namespace eptdiff {
namespace {

constexpr std::uint64_t kAddress = 0x000ffffffffff000;
constexpr std::uint64_t kRights = 7;
constexpr std::uint64_t kPageBytes = 0x1000;
constexpr std::uint32_t kNoOperation = ~std::uint32_t{0};

struct Planting {
  const BuilderMistake* mistake = nullptr;
  const eptdiff_host* host = nullptr;
  eptdiff_host lent;  // what the builder gets
  eptdiff_question machine;
  eptdiff_builder_operation asked;
  std::uint32_t kind = kNoOperation;
  bool lacked = false;
  std::set<std::uint64_t> frames;
  std::set<std::uint64_t> fresh;  // of this operation
};
Planting planting;

bool Holds(const BuilderCondition& when) {
  const auto bit = [&](std::uint64_t word) {
    return (word >> when.number & 1) != 0;
  };
  const bool operates = planting.kind != kNoOperation;
  switch (when.kind) {
    case BuilderCondition::Kind::kOperation:
      return planting.kind == when.number;
    case BuilderCondition::Kind::kFlag:
      return operates && bit(planting.asked.flags);
    case BuilderCondition::Kind::kNoFlag:
      return operates && !bit(planting.asked.flags);
    case BuilderCondition::Kind::kGpa:
      return operates && bit(planting.asked.gpa);
    case BuilderCondition::Kind::kHpa:
      return operates && bit(planting.asked.hpa);
    case BuilderCondition::Kind::kBytes:
      return operates && planting.asked.bytes >> when.number != 0;
    case BuilderCondition::Kind::kControl:
      return bit(planting.machine.secondary);
    case BuilderCondition::Kind::kCapability:
      return bit(planting.machine.ept_vpid_cap);
    case BuilderCondition::Kind::kNoFrame:
      return planting.lacked;
  }
  return false;
}

bool Makes(BuilderMistake::Kind kind) {
  const BuilderMistake& mistake = *planting.mistake;
  return mistake.kind == kind &&
         std::all_of(mistake.when.begin(), mistake.when.end(), Holds);
}

bool Makes(BuilderMistake::Kind kind, unsigned way) {
  return planting.mistake->word == way && Makes(kind);
}

std::uint64_t Changed(std::uint64_t value) {
  const BuilderMistake& mistake = *planting.mistake;
  const bool set = mistake.other == kTakenForOne ||
                   (mistake.other != 0 && (value & mistake.other) != 0);
  return set ? value | mistake.bit : value & ~mistake.bit;
}

int Allocate(void*, std::uint64_t* frame) {
  const int there = planting.host->allocate(planting.host->context, frame);
  planting.lacked |= there == 0;
  if (there != 0) {
    planting.frames.insert(*frame);
    planting.fresh.insert(*frame);
  }
  return there;
}

void Release(void*, std::uint64_t frame) {
  using Kind = BuilderMistake::Kind;
  const eptdiff_host& host = *planting.host;
  if (Makes(Kind::kFrame, kNotFreed)) return;
  planting.frames.erase(frame);
  host.release(host.context, frame);
  if (Makes(Kind::kFrame, kFreedTwice)) host.release(host.context, frame);
}

void Invept(void*, std::uint64_t eptp) {
  using Kind = BuilderMistake::Kind;
  const eptdiff_host& host = *planting.host;
  if (Makes(Kind::kInvept, kLeftOut)) return;
  if (Makes(Kind::kInvept, kOtherEptp)) eptp ^= kPageBytes;
  host.invept(host.context, eptp);
  if (Makes(Kind::kInvept, kTwice)) host.invept(host.context, eptp);
}

void Stored(void*, std::uint64_t address, std::uint64_t before,
            std::uint64_t after) {
  using Kind = BuilderMistake::Kind;
  const eptdiff_host& host = *planting.host;
  const bool present = (after & kRights) != 0;
  const bool table = present && planting.frames.contains(after & kAddress);
  const bool linked = !planting.fresh.contains(address & kAddress);
  std::uint64_t stored = after;
  if (present && Makes(table ? Kind::kTable : Kind::kPage)) {
    stored = Changed(after);
  }
  const bool skipped = linked && Makes(Kind::kSkipped);
  if (skipped) stored = before;
  if (stored != after) {
    std::uint64_t* frame = host.pointer(host.context, address & kAddress);
    frame[address % kPageBytes / 8] = stored;
  }
  if (!skipped) host.stored(host.context, address, before, stored);
}

void Removed(void*, std::uint64_t gpa, std::uint64_t hpa, std::uint64_t bytes,
             std::uint64_t flags) {
  using Kind = BuilderMistake::Kind;
  constexpr std::uint64_t kAccessedDirty = 0x300;
  const eptdiff_host& host = *planting.host;
  if (Makes(Kind::kRemoved, kNotShown)) return;
  if (Makes(Kind::kRemoved, kWithoutFlags)) flags &= ~kAccessedDirty;
  host.removed(host.context, gpa, hpa, bytes, flags);
}

void Describe(eptdiff_builder_profile* profile) {
  eptdiff_planted_builder_describe(profile);
}

int Create(const eptdiff_question* machine, std::uint64_t unused,
           const eptdiff_host* host, std::uint64_t* eptp) {
  planting.host = host;
  planting.lent = *host;
  planting.lent.allocate = Allocate;
  planting.lent.release = Release;
  planting.lent.invept = Invept;
  planting.lent.stored = Stored;
  planting.lent.removed = Removed;
  planting.machine = *machine;
  planting.kind = kNoOperation;
  planting.lacked = false;
  planting.frames.clear();
  planting.fresh.clear();
  const int result =
      eptdiff_planted_builder_create(machine, unused, &planting.lent, eptp);
  planting.fresh.clear();
  return result;
}

int Perform(const eptdiff_builder_operation* operation) {
  using Kind = BuilderMistake::Kind;
  planting.asked = *operation;
  planting.kind = operation->kind;
  planting.lacked = false;
  planting.fresh.clear();
  eptdiff_builder_operation told = *operation;
  if (Makes(Kind::kAsked)) {
    std::uint64_t* const words[] = {&told.flags, &told.gpa, &told.hpa};
    std::uint64_t& word = *words[planting.mistake->word];
    word = Changed(word);
  }
  if (told.bytes > kPageBytes && Makes(Kind::kBytes)) {
    told.bytes += planting.mistake->word == 0 ? -kPageBytes : kPageBytes;
  }
  int result = eptdiff_planted_builder_perform(&told);
  if (result != EPTDIFF_DONE && Makes(Kind::kResult, kDoneForRefused)) {
    result = EPTDIFF_DONE;
  } else if (result == EPTDIFF_DONE && Makes(Kind::kResult, kRefusedForDone)) {
    result = EPTDIFF_UNSUPPORTED;
  }
  planting.kind = kNoOperation;
  return result;
}

}  // namespace

std::unique_ptr<BuilderSession> PlantedBuilderSession(
    const BuilderMistake* mistake) {
  planting.mistake = mistake;
  const auto load = [](BuilderFunctions& functions, bool& is_builder,
                       std::string&) {
    functions.describe = Describe;
    functions.create = Create;
    functions.perform = Perform;
    functions.list = eptdiff_planted_builder_list;
    functions.destroy = eptdiff_planted_builder_destroy;
    is_builder = true;
    return true;
  };
  std::string error;
  return BuilderSession::Make(load, {}, "planted", error);
}

}  // namespace eptdiff
