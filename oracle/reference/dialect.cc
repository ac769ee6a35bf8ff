#include "oracle/reference/dialect.h"

#include <numeric>
#include <utility>

namespace eptdiff {

Dialect::Dialect(std::string name, std::vector<const Alteration*> alterations)
    : name_(std::move(name)), alterations_(std::move(alterations)) {
  for (const Alteration* alteration : alterations_) {
    altered_.Add(alteration->slot);
    ++first_[static_cast<std::size_t>(alteration->slot) + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  functions_.resize(alterations_.size());
  std::array<std::uint16_t, kSlotCount + 1> next = first_;
  for (const Alteration* alteration : alterations_) {
    functions_[next[static_cast<std::size_t>(alteration->slot)]++] =
        alteration->function;
  }
}

Dialect Dialect::Without(std::size_t index) const {
  std::vector<const Alteration*> rest = alterations_;
  const std::string name = name_ + " without " + std::string(rest[index]->name);
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(index));
  return Dialect(name, std::move(rest));
}

Dialect Dialect::With(const Alteration& alteration) const {
  std::vector<const Alteration*> more = alterations_;
  more.push_back(&alteration);
  return Dialect(name_ + "," + std::string(alteration.name), std::move(more));
}

std::uint64_t Dialect::Answer(Slot slot, const Situation& situation,
                              std::uint64_t value) const {
  const auto number = static_cast<std::size_t>(slot);
  for (std::size_t i = first_[number]; i < first_[number + 1]; ++i) {
    value = functions_[i](situation, value);
  }
  return value;
}

}  // namespace eptdiff
