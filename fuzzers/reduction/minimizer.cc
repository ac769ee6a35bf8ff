#include "fuzzers/reduction/minimizer.h"

#include <array>
#include <bit>
#include <utility>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/reduction/reduction.h"

namespace eptdiff {
namespace {

// Bits of the header that differ from that of a case that says nothing.
std::size_t HeaderBits(const Case& c) {
  std::array<std::uint8_t, kRecordsOffset> plain;
  std::array<std::uint8_t, kRecordsOffset> bytes;
  Case header;
  EncodeInto(header, plain);
  header.processor = c.processor;
  header.controls = c.controls;
  header.guest = c.guest;
  EncodeInto(header, bytes);
  std::size_t bits = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bits += static_cast<std::size_t>(
        std::popcount(static_cast<unsigned>(bytes[i] ^ plain[i])));
  }
  return bits;
}

std::size_t Bits(std::uint64_t value) {
  return static_cast<std::size_t>(std::popcount(value));
}

std::size_t Positions(std::uint64_t value) {
  std::size_t sum = 0;
  for (; value != 0; value &= value - 1) {
    sum += static_cast<std::size_t>(std::countr_zero(value));
  }
  return sum;
}

// One byte is the simplest size, a power of two simpler than the rest, and any
// address simpler than more bytes than an instruction has for an operand.
std::size_t SizeCost(std::uint16_t size) {
  constexpr std::uint16_t kLargestOperand = 64;
  return size == 1 ? 0 : 1 + Bits(size) + (size > kLargestOperand ? 64 : 0);
}

std::size_t InvalidationBits(const Invalidation& asked) {
  return static_cast<std::size_t>(asked.kind) + Bits(asked.type) +
         Bits(asked.first) + Bits(asked.second);
}

std::size_t StepBits(const Step& step) {
  return static_cast<std::size_t>(step.kind) +
         static_cast<std::size_t>(step.access.kind) +
         SizeCost(step.access.size) + step.access.implicit_supervisor +
         step.access.wruss + step.access.asynchronous + Bits(step.gpa.value) +
         Bits(step.gla.value) + !step.page.gla_valid +
         Bits(step.page.gla.value) + step.page.user + step.page.writable +
         step.page.execute_disable + Bits(step.page.pat_index) +
         Bits(step.value) + Bits(step.index) + Bits(step.processor) +
         step.access.pebs + static_cast<std::size_t>(step.reg) +
         InvalidationBits(step.invalidation);
}

std::size_t OperationBits(const TableOperation& operation) {
  return static_cast<std::size_t>(operation.kind) + operation.level +
         operation.failing_allocation + 2 * Bits(operation.meanwhile) +
         operation.view + Bits(operation.flags);
}

}  // namespace

CaseCost CostOf(const Case& c) {
  CaseCost cost;
  cost.steps = c.steps.size();
  cost.words = c.memory.size();
  const Controls& k = c.controls;
  cost.addresses = (k.eptp & kPhysicalAddressMask) +
                   (k.pml_address & kPhysicalAddressMask) +
                   (k.spptp & kPhysicalAddressMask) +
                   (k.ve_information_address & kPhysicalAddressMask) +
                   (k.eptp_list_address & kPhysicalAddressMask);
  cost.bits = HeaderBits(c);
  std::uint64_t previous = 0;
  for (const MemoryWord& word : c.memory) {
    const std::uint64_t address = word.address.value;
    cost.addresses += address;
    cost.bits += Bits(word.value);
    cost.positions += Positions(word.value);
    cost.disorder += address < previous ? 1 : 0;
    const std::uint64_t target = word.value & bits::kAddress;
    cost.disorder += target < (address & bits::kAddress) ? 1 : 0;
    previous = address;
  }
  for (const Step& step : c.steps) {
    cost.addresses += step.hpa.value;
    cost.bits += StepBits(step);
    if (step.kind != StepKind::kTableOperation) continue;
    const TableOperation& operation = step.operation;
    cost.addresses +=
        operation.gpa.value + operation.hpa.value + operation.bytes;
    cost.bits += OperationBits(operation);
  }
  return cost;
}

bool Search::Consider() {
  const CaseCost cost = CostOf(candidate_);
  if (!(cost < cost_)) return false;
  if (stats_.attempts >= options_.max_attempts) {
    stats_.exhausted = true;
    return false;
  }
  ++stats_.attempts;
  if (!still_fails_(candidate_)) return false;
  ++stats_.reductions;
  std::swap(current_, candidate_);
  cost_ = cost;
  return true;
}

Case Minimize(Case c, const StillFails& still_fails,
              const MinimizeOptions& options, MinimizeStats* stats) {
  Case canonical = c;
  Canonicalise(canonical);
  if (!still_fails(canonical)) return c;
  Search search(std::move(canonical), still_fails, options);
  std::size_t before = 0;
  do {
    before = search.stats().reductions;
    ReduceSteps(search);
    ReduceWords(search);
    ReduceMachine(search);
    ReduceValues(search);
    SimplifySteps(search);
    ReduceGuest(search);
    LowerAddresses(search);
    LowerGuestAddresses(search);
    ReduceTableOperations(search);
  } while (search.stats().reductions != before);
  if (stats != nullptr) *stats = search.stats();
  return search.current();
}

Case Minimize(Case c, const StillFails& still_fails, MinimizeStats* stats) {
  return Minimize(std::move(c), still_fails, MinimizeOptions{}, stats);
}

}  // namespace eptdiff
