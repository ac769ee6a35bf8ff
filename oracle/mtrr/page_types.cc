#include "oracle/mtrr/page_types.h"

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

}  // namespace

DecidingMtrrs DecidingFor(const MtrrQuestion& question,
                          const MemoryPolicy& policy) {
  const DecidingMtrrs machine{false, &question.mtrrs, question.hpa};
  if (!question.page.has_value()) return machine;
  const AskedPage& page = *question.page;
  if (page.is_device || IsAlwaysWriteBack(page, policy)) return {};
  if (policy.pat_alone || page.cache_disabled) return {};
  if (policy.ram == RamPolicy::kAsMachine) return machine;
  return {true, &page.mtrrs, page.gpa};
}

PageType TypeOf(const MtrrQuestion& question, const MemoryPolicy& policy) {
  const DecidingMtrrs deciding = DecidingFor(question, policy);
  if (!question.page.has_value()) {
    return TypeOf(question.mtrrs, question.hpa, question.bytes);
  }
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
    const std::uint32_t entries =
        EntriesWhere([&](std::uint64_t effect, std::uint64_t) {
          return policy.passes_cache_disable || effect == kTypeUc;
        });
    return {MtrrRule::kCacheDisabled, entries | unjudged};
  }
  const PageType type =
      TypeOf(*deciding.mtrrs, deciding.address, question.bytes);
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
  const bool is_by_mtrrs = DecidingFor(question, policy).mtrrs != nullptr;
  if (is_by_mtrrs && answer >= kPatIsIgnored && answer < 2 * kPatIsIgnored &&
      permits(answer - kPatIsIgnored)) {
    return MtrrRule::kPatIgnored;
  }
  return type.rule;
}

}  // namespace eptdiff
