#include "fuzzers/generation/mtrr_generation.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "fuzzers/entries/random.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;
constexpr std::uint64_t kMegabyte = 0x100000;
constexpr std::uint64_t kWcSupported = 1 << 10, kFixedSupported = 1 << 8;
constexpr std::uint64_t kEnabled = 1 << 11, kFixedEnabled = 1 << 10;
constexpr std::uint64_t kValid = 1 << 11, kSmrrSupported = 1 << 11;
constexpr std::uint64_t kEachField = 0x0101010101010101;

std::uint64_t SomeType(Random& random) {
  static constexpr std::uint64_t kTypes[] = {6, 6, 6, 6, 0, 0, 0, 4, 4, 1, 5};
  return random.Pick(kTypes);
}

std::uint64_t WidthMask(const Mtrrs& mtrrs) {
  return (std::uint64_t{1} << mtrrs.maxphyaddr) - 1;
}

void SetFixed(Random& random, Mtrrs& mtrrs) {
  const std::uint64_t mostly = SomeType(random) * kEachField;
  for (std::uint64_t& word : mtrrs.fixed) {
    word = random.OneIn(3) ? SomeType(random) * kEachField : mostly;
    if (random.OneIn(4)) {
      const unsigned shift = 8 * random.Below(8);
      word = (word & ~(std::uint64_t{0xff} << shift)) | SomeType(random)
                                                            << shift;
    }
  }
}

// Within the first few GBytes, so that ranges overlap.
VariableMtrr SomeRange(Random& random, const Mtrrs& mtrrs) {
  static constexpr std::uint64_t kSizes[] = {k4K, 2 * k4K, 16 * k4K, kMegabyte,
                                             k2M, k2M,     2 * k2M,  8 * k2M,
                                             k1G, 2 * k1G, 4 * k1G};
  const std::uint64_t size = random.Pick(kSizes);
  std::uint64_t base = k1G * random.Below(5);
  if (random.OneIn(2)) base += k2M * random.Below(4);
  if (random.OneIn(2)) base += k4K * random.Below(4);
  base &= ~(size - 1);
  const std::uint64_t mask = WidthMask(mtrrs) & ~(size - 1);
  return {base | SomeType(random), mask | (random.OneIn(8) ? 0 : kValid)};
}

std::uint64_t SomePlace(Random& random, const Mtrrs& mtrrs,
                        const std::vector<std::size_t>& used) {
  if (used.empty() || random.OneIn(4)) {
    if (random.OneIn(2)) return k4K * random.Below(260);
    return k1G * random.Below(6) + k4K * random.Below(1024);
  }
  const VariableMtrr& range = mtrrs.variable[used[random.Below(used.size())]];
  const std::uint64_t mask = range.mask & ~(k4K - 1);
  const std::uint64_t size = mask & -mask;
  const std::uint64_t begin = range.base & mask;
  switch (random.Below(4)) {
    case 0:
      return begin;
    case 1:
      return begin + size;
    case 2:
      return begin + size - k4K;
    default:
      return begin + k4K * random.Below(std::min<std::uint64_t>(
                               size / k4K, std::uint64_t{1} << 20));
  }
}

// Mtrrs with less in them, the boldest first: `add` takes what changes some.
template <typename Add>
void SmallerMtrrs(const Mtrrs& mtrrs, const Add& add) {
  for (std::size_t i = 0; i < kVariableMtrrs; ++i) {
    add([i](Mtrrs& m) {  // the others move up
      auto& ranges = m.variable;
      std::move(ranges.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                ranges.end(), ranges.begin() + static_cast<std::ptrdiff_t>(i));
      ranges.back() = {};
    });
  }
  for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
    add([i](Mtrrs& m) { m.fixed[i] = 0; });
    if (mtrrs.fixed[i] == 0) continue;
    add([i](Mtrrs& m) { m.fixed[i] = 6 * kEachField; });
  }
  add([](Mtrrs& m) { m.def_type &= ~kFixedEnabled; });
  add([](Mtrrs& m) { m.def_type &= ~std::uint64_t{0xff}; });
  add([](Mtrrs& m) {
    m.cap &= ~kSmrrSupported;
    m.smrr = {};
  });
  add([](Mtrrs& m) {
    std::size_t count = kVariableMtrrs;
    while (count > 0 && m.variable[count - 1] == VariableMtrr()) --count;
    m.cap = (m.cap & ~std::uint64_t{0xff}) | count;
  });
}

// Smaller questions. Nothing grows again: that ends.
std::vector<MtrrQuestion> Smaller(const MtrrQuestion& question) {
  std::vector<MtrrQuestion> smaller;
  const auto add = [&](auto change) {
    MtrrQuestion other = question;
    change(other);
    other.hpa &= ~(other.bytes - 1);
    if (other.page.has_value()) other.page->gpa &= ~(other.bytes - 1);
    if (other != question) smaller.push_back(other);
  };
  const auto add_page = [&](auto change) {
    if (!question.page.has_value()) return;
    add([&](MtrrQuestion& q) { change(*q.page); });
  };
  SmallerMtrrs(question.mtrrs, [&](auto change) {
    add([&](MtrrQuestion& q) { change(q.mtrrs); });
  });
  if (question.page.has_value()) {
    SmallerMtrrs(question.page->mtrrs, [&](auto change) {
      add_page([&](AskedPage& page) { change(page.mtrrs); });
    });
  }
  add_page([](AskedPage& page) { page.is_device = false; });
  add_page([](AskedPage& page) { page.is_unsnooped = false; });
  add_page([](AskedPage& page) { page.cache_disabled = false; });
  add_page([](AskedPage& page) { page.paging_off = false; });
  add([](MtrrQuestion& q) { q.bytes = std::max(q.bytes >> 9, k4K); });
  add([](MtrrQuestion& q) { q.hpa = 0; });
  add([](MtrrQuestion& q) { q.hpa &= k1G - 1; });
  add([](MtrrQuestion& q) { q.hpa &= q.hpa - 1; });
  add_page([](AskedPage& page) { page.gpa = 0; });
  add_page([](AskedPage& page) { page.gpa &= k1G - 1; });
  add_page([](AskedPage& page) { page.gpa &= page.gpa - 1; });
  return smaller;
}

// SMRAM where firmware has it: some MBytes below 4 GBytes, or among the ranges.
VariableMtrr SomeSmrr(Random& random) {
  const std::uint64_t size = kMegabyte << random.Below(5);
  const std::uint64_t base =
      random.OneIn(2) ? 2 * k1G - size : k1G * random.Below(4) + 2 * size;
  return {base | SomeType(random),
          (0xffff'ffff & ~(size - 1)) | (random.OneIn(8) ? 0 : kValid)};
}

Mtrrs SomeMtrrs(Random& random, std::vector<std::size_t>& used) {
  static constexpr std::uint8_t kWidths[] = {36, 39, 46, 52};
  static constexpr std::uint64_t kCounts[] = {10, 10, 8, 8, 4, 0};
  Mtrrs mtrrs;
  mtrrs.maxphyaddr = random.Pick(kWidths);
  mtrrs.cap = random.Pick(kCounts) | kWcSupported;
  if (!random.OneIn(8)) mtrrs.cap |= kFixedSupported;
  mtrrs.def_type = SomeType(random);
  if (!random.OneIn(16)) mtrrs.def_type |= kEnabled;
  if (!random.OneIn(3)) mtrrs.def_type |= kFixedEnabled;
  SetFixed(random, mtrrs);
  const std::size_t count = mtrrs.cap & 0xff;
  while (used.size() < count && !random.OneIn(4)) {
    used.push_back(used.size());
    mtrrs.variable[used.back()] = SomeRange(random, mtrrs);
  }
  return mtrrs;
}

std::uint64_t SomePageSize(Random& random) {
  static constexpr std::uint64_t kPages[] = {k4K, k4K, k2M, k2M, k2M, k1G};
  return random.Pick(kPages);
}

}  // namespace

MtrrQuestion GenerateMtrrQuestion(std::uint64_t seed) {
  Random random(seed);
  MtrrQuestion question;
  std::vector<std::size_t> used;
  Mtrrs& mtrrs = question.mtrrs;
  mtrrs = SomeMtrrs(random, used);
  question.bytes = SomePageSize(random);
  question.hpa = SomePlace(random, mtrrs, used);
  if (random.OneIn(4)) {
    mtrrs.cap |= kSmrrSupported;
    mtrrs.smrr = SomeSmrr(random);
    if (random.OneIn(2)) {  // in it, or just beyond
      const std::uint64_t base = mtrrs.smrr.base & ~(k4K - 1);
      question.hpa = base + kMegabyte * random.Below(20);
    }
  }
  question.hpa &= WidthMask(mtrrs) & ~(question.bytes - 1);
  return question;
}

MtrrQuestion GeneratePageQuestion(std::uint64_t seed) {
  MtrrQuestion question = GenerateMtrrQuestion(seed);
  Random random(~seed);
  AskedPage& page = question.page.emplace();
  std::vector<std::size_t> used;
  page.mtrrs = SomeMtrrs(random, used);
  page.gpa = SomePlace(random, page.mtrrs, used);
  if (random.OneIn(4)) page.gpa = question.hpa;
  page.gpa &= WidthMask(page.mtrrs) & ~(question.bytes - 1);
  page.is_device = random.OneIn(4);
  page.is_unsnooped = random.OneIn(2);
  page.cache_disabled = random.OneIn(4);
  page.paging_off = random.OneIn(4);
  return question;
}

MtrrQuestion MinimizeMtrrQuestion(
    const MtrrQuestion& question,
    const std::function<bool(const MtrrQuestion&)>& shows) {
  MtrrQuestion best = question;
  for (bool changed = true; changed;) {
    changed = false;
    for (const MtrrQuestion& smaller : Smaller(best)) {
      if (!shows(smaller)) continue;
      best = smaller;
      changed = true;
      break;
    }
  }
  return best;
}

}  // namespace eptdiff
