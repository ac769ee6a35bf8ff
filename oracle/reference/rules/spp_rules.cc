// SPP: sub-page write permissions (29.3.4).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

// Asked when bit 1, clear in some entry used, is all that refuses a write.
std::uint64_t Spp1(const Situation& s) {
  return s.SubPageWritePermissions() && s.writes && s.level == 1 &&
         Bit(s.entry, 61);
}

// The enclave cases are out of scope. Architectural PEBS has joined the list
// since (2026, 31.3.4.1).
std::uint64_t Spp2(const Situation& s) {
  return s.state->guest.transactional || s.IsStructureAccess() || s.IsPebs();
}

std::uint64_t Spp3Index(const Situation& s) {
  switch (s.level) {
    case 4:
      return Bits(s.access.gpa.value, 47, 39);  // SPPL4E
    case 3:
      return Bits(s.access.gpa.value, 38, 30);  // SPPL3E
    case 2:
      return Bits(s.access.gpa.value, 29, 21);  // SPPL2E
    default:
      return Bits(s.access.gpa.value, 20, 12);  // SPP vector
  }
}

// Writes to sub-page S are allowed iff bit 2S is set; the operand is S.
std::uint64_t Spp3Bit(const Situation& s) { return 2 * s.operand; }

// Not so of a vector, which has no valid bit.
std::uint64_t Spp4(const Situation& s) {
  return s.level >= 2 && !Bit(s.entry, 0);
}

std::uint64_t Spp5Entry(const Situation& s) {
  return Bit(s.entry, 0) &&
         (Bits(s.entry, 11, 1) != 0 || Bits(s.entry, 63, s.M()) != 0);
}

std::uint64_t Spp5Vector(const Situation& s) {
  for (int bit = 1; bit < 64; bit += 2) {
    if (Bit(s.entry, bit)) return true;
  }
  return false;
}

// The sub-page of the last byte.
std::uint64_t Spp6(const Situation& s) {
  return Bits(s.access.gpa.value + s.access.bytes - 1u, 11, 7);
}

// The operand is the sub-page's bit of the vector.
std::uint64_t Spp7(const Situation& s) { return s.operand == 0; }

std::uint64_t Spp8(const Situation& s) {
  return Field(s.operand, s.M() - 1, 12);
}

}  // namespace eptdiff::sdm
