#include "oracle/reference/dialects/known_dialects.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "oracle/reference/dialects/bochs_dialect.h"
#include "oracle/reference/dialects/silicon_dialects.h"
#include "oracle/reference/dialects/variants.h"

namespace eptdiff {
namespace {

std::uint64_t Off(const Situation&, std::uint64_t) { return 0; }

// "CFG-8" for the slot Cfg8; "CTL-4/index" for Ctl4Index.
std::string PathOf(const SlotInfo& slot) {
  const std::string identifier(IdentifierOf(slot.rule));
  std::string plain;
  for (char c : identifier) {
    if (c != '-') plain += c;
  }
  if (slot.name.size() <= plain.size()) return identifier;
  std::string path = identifier + "/";
  for (char c : slot.name.substr(plain.size())) {
    path += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return path;
}

// Every alteration, with the storage of the generated names.
struct Catalogue {
  std::vector<std::string> texts;
  std::vector<Alteration> alterations;

  Catalogue() {
    texts.reserve(2 * kSlotCount);  // string_views point into it
    for (std::size_t i = 0; i < kSlotCount; ++i) {
      const SlotInfo& slot = InfoOf(static_cast<Slot>(i));
      // WALK-7 forbids nothing in the SDM: there is nothing to switch off.
      if (slot.kind != SlotKind::kForbids || slot.slot == Slot::kWalk7) {
        continue;
      }
      const std::string path = PathOf(slot);
      const bool plain = path.find('/') == std::string::npos;
      texts.push_back(path + (plain ? "/off" : "-off"));
      const std::string_view name = texts.back();
      // "CTL-4 (index) is not checked": its other checks are.
      std::string words(IdentifierOf(slot.rule));
      if (!plain) {
        words.append(" (").append(path, path.find('/') + 1).append(")");
      }
      words.append(" is not checked: ").append(InfoOf(slot.rule).words);
      texts.push_back(words);
      alterations.push_back({name, slot.slot, Off, texts.back()});
    }
    for (auto variants : {EntryVariants(),
                          GuestStateVariants(),
                          RegisterVariants(),
                          WalkVariants(),
                          ConfigurationVariants(),
                          ViolationVariants(),
                          QualificationVariants(),
                          FlagVariants(),
                          MemoryTypeVariants(),
                          SubPageVariants(),
                          VeVariants(),
                          ApicVariants(),
                          GuestVariants(),
                          GuestWalkVariants(),
                          MaskingVariants(),
                          GuestRightVariants(),
                          GuestErrorVariants(),
                          LinearVariants(),
                          BochsGuestVariants(),
                          ClassicVariants(),
                          CacheVariants(),
                          SavedStateVariants()}) {
      alterations.insert(alterations.end(), variants.begin(), variants.end());
    }
  }
};

const Catalogue& TheCatalogue() {
  static const Catalogue& catalogue = *new Catalogue;
  return catalogue;
}

}  // namespace

std::vector<std::string> NamedDialects() {
  std::vector<std::string> names = {"sdm"};
  names.insert(names.end(), kBochsDialects.begin(), kBochsDialects.end());
  for (const SiliconErratum& erratum : kSiliconErrata) {
    if (names.back() != erratum.dialect) names.emplace_back(erratum.dialect);
  }
  return names;
}

std::span<const Alteration> AllAlterations() {
  return TheCatalogue().alterations;
}

// Whether an instruction fails (CACHE-13), everybody can be asked.
bool NeedsCaching(const Alteration& alteration) {
  const Rule rule = InfoOf(alteration.slot).rule;
  return IdentifierOf(rule).starts_with("CACHE-") && rule != Rule::kCache13;
}

const Alteration* FindAlteration(std::string_view name) {
  for (const Alteration& alteration : AllAlterations()) {
    if (alteration.name == name) return &alteration;
  }
  return nullptr;
}

std::optional<Dialect> FindDialect(std::string_view name) {
  if (name == "sdm") return Dialect();
  std::vector<const Alteration*> alterations;
  const auto bochs =
      std::find(kBochsDialects.begin(), kBochsDialects.end(), name);
  if (bochs != kBochsDialects.end()) {
    const unsigned tree = 1u << (bochs - kBochsDialects.begin());
    for (const BochsDeparture& departure : kBochsDepartures) {
      if ((departure.trees & tree) == 0) continue;
      const Alteration* alteration = FindAlteration(departure.alteration);
      if (alteration == nullptr) return std::nullopt;
      alterations.push_back(alteration);
    }
    return Dialect(std::string(name), std::move(alterations));
  }
  for (const SiliconErratum& erratum : kSiliconErrata) {
    if (erratum.dialect != name) continue;
    const Alteration* alteration = FindAlteration(erratum.alteration);
    if (alteration == nullptr) return std::nullopt;
    alterations.push_back(alteration);
  }
  if (!alterations.empty()) {
    return Dialect(std::string(name), std::move(alterations));
  }
  for (std::string_view rest = name;;) {
    const std::size_t comma = rest.find(',');
    const Alteration* alteration = FindAlteration(rest.substr(0, comma));
    if (alteration == nullptr) return std::nullopt;
    alterations.push_back(alteration);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return Dialect(std::string(name), std::move(alterations));
}

}  // namespace eptdiff
