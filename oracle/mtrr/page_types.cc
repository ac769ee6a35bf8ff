#include "oracle/mtrr/page_types.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "oracle/effective_type.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kTypes[] = {kTypeUc, kTypeWc, kTypeWt, kTypeWp,
                                    kTypeWb};
constexpr std::uint64_t kPatTypes[] = {kTypeUc, kTypeWc, kTypeWt,
                                       kTypeWp, kTypeWb, kTypeUcMinus};

// 29.3.7.2, while the processor's CR0.CD is 0.
std::uint64_t EffectOf(std::uint32_t entry, std::uint64_t pat) {
  const std::uint64_t type = entry % kPatIsIgnored;
  return entry >= kPatIsIgnored ? type : EffectiveType(type, pat);
}

// The answers that no type of the PAT turns into what `is_right` refuses, given
// the type of the access and that of the PAT.
template <typename IsRight>
std::uint32_t EntriesWhere(IsRight is_right) {
  std::uint32_t entries = 0;
  for (const std::uint64_t type : kTypes) {
    for (const std::uint32_t ignored : {0u, kPatIsIgnored}) {
      const std::uint32_t entry = static_cast<std::uint32_t>(type) + ignored;
      bool right = true;
      for (const std::uint64_t pat : kPatTypes) {
        right = right && is_right(EffectOf(entry, pat), pat);
      }
      if (right) entries |= 1u << entry;
    }
  }
  return entries;
}

// That have the effect of memory of one of these types; where that is UC, also
// what is always UC.
std::uint32_t EntriesLike(std::uint32_t types) {
  std::uint32_t entries = 0;
  for (const std::uint64_t type : kTypes) {
    if ((types >> type & 1) == 0) continue;
    entries |= EntriesWhere([&](std::uint64_t effect, std::uint64_t pat) {
      return effect == EffectiveType(type, pat) ||
             (type == kTypeUc && effect == kTypeUc);
    });
  }
  return entries;
}

constexpr std::uint32_t kAlwaysWriteBack =
    static_cast<std::uint32_t>(kTypeWb) + kPatIsIgnored;
constexpr std::uint32_t kNotAType = 1u << kSmallerPages | 1u << kNoSuchPage;

std::uint32_t DeviceEntries(const MtrrQuestion& question) {
  std::uint32_t entries = ~0u;
  const std::uint64_t end = question.hpa + question.bytes;
  for (std::uint64_t at = question.hpa; at < end;) {
    const ByteType piece = TypeAt(question.mtrrs, at);
    at = piece.end;
    if (piece.rule == MtrrRule::kUndefined) continue;
    entries &= EntriesWhere([&](std::uint64_t effect, std::uint64_t pat) {
      return effect == kTypeUc || effect == EffectiveType(piece.type, pat);
    });
  }
  return entries;
}

// Whether RAM is WB whatever the guest says of it: no device of its own looks
// past the caches.
bool IsAlwaysWriteBack(const AskedPage& page, const MemoryPolicy& policy) {
  return policy.ram == RamPolicy::kWriteBack && !page.is_unsnooped;
}

// Of memory that is of both types. 12.11.4.1 has of ranges that overlap that UC
// wins, and WT over WB; table 12-7 has the same of a type by the MTRRs and one
// by the PAT, and more.
std::uint32_t TypesOfBoth(std::uint64_t one, std::uint64_t other) {
  constexpr std::uint32_t kUc = 1u << kTypeUc;
  if (one == kTypeUc || other == kTypeUc) return kUc;
  const std::uint32_t types =
      1u << EffectiveType(one, other) | 1u << EffectiveType(other, one);
  return std::has_single_bit(types) ? types : types | kUc;
}

// The rule by which memory is of both types: where one is WB in any case, that
// of the other.
MtrrRule RuleOfBoth(const ByteType& guests, const ByteType& machines) {
  const auto says_nothing = [](const ByteType& type) {
    return type.rule == MtrrRule::kDefault && type.type == kTypeWb;
  };
  if (says_nothing(machines)) return guests.rule;
  return says_nothing(guests) ? machines.rule : MtrrRule::kBoth;
}

PageType TypeByBoth(const MtrrQuestion& question, const AskedPage& page) {
  return TypeOfPieces(question.bytes, [&](std::uint64_t offset) -> TypePiece {
    const ByteType guests = TypeAt(page.mtrrs, page.gpa + offset);
    const ByteType machines = TypeAt(question.mtrrs, question.hpa + offset);
    const std::uint64_t end =
        std::min(guests.end - page.gpa, machines.end - question.hpa);
    if (guests.rule == MtrrRule::kUndefined ||
        machines.rule == MtrrRule::kUndefined) {
      return {MtrrRule::kUndefined, 0, end};
    }
    return {RuleOfBoth(guests, machines),
            TypesOfBoth(guests.type, machines.type), end,
            guests.is_smram || machines.is_smram};
  });
}

PageType TypeByMtrrs(const MtrrQuestion& question,
                     const std::vector<DecidingMtrrs>& deciding) {
  if (deciding.size() == 2) return TypeByBoth(question, *question.page);
  return TypeOf(*deciding[0].mtrrs, deciding[0].address, question.bytes);
}

std::uint32_t CacheDisabledEntries(const AskedPage& page,
                                   const MemoryPolicy& policy) {
  // The one type that the processor has in its PAT; without paging it is WB.
  const std::uint64_t in_use = page.paging_off ? kTypeWb : kTypeUc;
  return EntriesWhere([&](std::uint64_t effect, std::uint64_t pat) {
    return policy.passes_cache_disable || effect == kTypeUc ||
           (policy.disables_by_pat && pat != in_use);
  });
}

}  // namespace

std::vector<DecidingMtrrs> DecidingFor(const MtrrQuestion& question,
                                       const MemoryPolicy& policy) {
  const DecidingMtrrs machines{false, &question.mtrrs, question.hpa};
  if (!question.page.has_value()) return {machines};
  const AskedPage& page = *question.page;
  if (page.is_device || IsAlwaysWriteBack(page, policy)) return {};
  if (policy.pat_alone || page.cache_disabled) return {};
  if (policy.ram == RamPolicy::kAsMachine) return {machines};
  const DecidingMtrrs guests{true, &page.mtrrs, page.gpa};
  if (policy.and_machine) return {guests, machines};
  return {guests};
}

PageType TypeOf(const MtrrQuestion& question, const MemoryPolicy& policy) {
  const std::vector<DecidingMtrrs> deciding = DecidingFor(question, policy);
  if (!question.page.has_value()) return TypeByMtrrs(question, deciding);
  const std::uint32_t unjudged =
      question.bytes > 0x1000 ? kNotAType : 1u << kNoSuchPage;
  const AskedPage& page = *question.page;
  if (page.is_device) {
    return {MtrrRule::kDevice, DeviceEntries(question) | unjudged};
  }
  if (IsAlwaysWriteBack(page, policy)) {
    return {MtrrRule::kWriteBack, 1u << kAlwaysWriteBack | unjudged};
  }
  if (policy.pat_alone) {
    return {MtrrRule::kPatIgnored, EntriesLike(1u << kTypeWb) | unjudged};
  }
  if (page.cache_disabled) {
    return {MtrrRule::kCacheDisabled,
            CacheDisabledEntries(page, policy) | unjudged};
  }
  const PageType type = TypeByMtrrs(question, deciding);
  if (type.rule == MtrrRule::kUndefined) {
    return {type.rule, EntriesWhere([](std::uint64_t, std::uint64_t) {
                         return true;
                       }) | unjudged};
  }
  return {type.rule, EntriesLike(type.permitted) | unjudged};
}

std::optional<MtrrRule> RuleBrokenBy(std::uint32_t answer,
                                     const MtrrQuestion& question,
                                     const MemoryPolicy& policy) {
  const PageType type = TypeOf(question, policy);
  const auto permits = [&](std::uint32_t entry) {
    return entry < 32 && (type.permitted >> entry & 1) != 0;
  };
  if (permits(answer)) return std::nullopt;
  if (policy.ram == RamPolicy::kWriteBack && answer == kAlwaysWriteBack &&
      question.page.has_value() && !question.page->is_device) {
    return MtrrRule::kUnsnooped;
  }
  const bool is_by_mtrrs = !DecidingFor(question, policy).empty();
  if (is_by_mtrrs && answer >= kPatIsIgnored && answer < 2 * kPatIsIgnored &&
      permits(answer - kPatIsIgnored)) {
    return MtrrRule::kPatIgnored;
  }
  return type.rule;
}

}  // namespace eptdiff
