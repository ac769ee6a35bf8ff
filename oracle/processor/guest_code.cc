#include "oracle/processor/guest_code.h"

namespace eptdiff {
namespace {

constexpr std::uint8_t kInt3 = 0xcc;

// A piece of code as it is written.
class Bytes {
 public:
  Bytes() { code_.fill(kInt3); }
  template <typename... T>
  void Add(T... bytes) {
    ((code_[length_++] = static_cast<std::uint8_t>(bytes)), ...);
  }
  const GuestCode& code() const { return code_; }
  std::size_t length() const { return length_; }

 private:
  GuestCode code_;
  std::size_t length_ = 0;
};

Bytes AccessCode(const Access& access, bool is_64_bit) {
  Bytes code;
  if (access.implicit_supervisor) {
    code.Add(0x8e, 0xc0);  // MOV ES, eAX
    return code;
  }
  const bool wide = access.size == 8 && is_64_bit;
  if (access.kind == AccessKind::kShadowStackRead) {
    code.Add(0xf3);
    if (wide) code.Add(0x48);
    code.Add(0x0f, 0xae, 0xe9);  // INCSSP rCX
    return code;
  }
  if (access.kind == AccessKind::kShadowStackReadModifyWrite) {
    code.Add(0xf3, 0x0f, 0xae, 0x33);  // CLRSSBSY [rBX]
    return code;
  }
  if (access.kind == AccessKind::kShadowStackWrite) {
    if (access.wruss) code.Add(0x66);
    if (wide) code.Add(0x48);
    // WRUSS or WRSS [rBX], rAX
    code.Add(0x0f, 0x38, access.wruss ? 0xf5 : 0xf6, 0x03);
    return code;
  }
  if (access.size == 2) code.Add(0x66);
  if (wide) code.Add(0x48);
  const int whole = access.size == 1 ? 0 : 1;
  switch (access.kind) {
    case AccessKind::kRead:  // MOV r, [rBX]
      code.Add(0x8a + whole);
      break;
    case AccessKind::kWrite:  // MOV [rBX], r
      code.Add(0x88 + whole);
      break;
    default:  // XOR [rBX], r
      code.Add(0x30 + whole);
      break;
  }
  code.Add(0x03);  // rAX, [rBX]
  return code;
}

Bytes RegisterCode(GuestRegister reg) {
  Bytes code;
  switch (reg) {
    case GuestRegister::kCr0:
      code.Add(0x0f, 0x22, 0xc0);  // MOV CR0, rAX
      break;
    case GuestRegister::kCr3:
      code.Add(0x0f, 0x22, 0xd8);
      break;
    case GuestRegister::kCr4:
      code.Add(0x0f, 0x22, 0xe0);
      break;
    case GuestRegister::kPkru:
      code.Add(0x0f, 0x01, 0xef);  // WRPKRU
      break;
    case GuestRegister::kEfer:
    case GuestRegister::kPat:
    case GuestRegister::kPkrs:
      code.Add(0x0f, 0x30);  // WRMSR
      break;
    default:
      break;
  }
  return code;
}

Bytes InvalidationCode(InvalidationKind kind) {
  Bytes code;
  // INVLPG [rBX]; INVPCID rAX, [rBX]
  if (kind == InvalidationKind::kInvlpg) code.Add(0x0f, 0x01, 0x3b);
  if (kind == InvalidationKind::kInvpcid) {
    code.Add(0x66, 0x0f, 0x38, 0x82, 0x03);
  }
  return code;
}

Bytes BytesOf(const Step& step, bool is_64_bit) {
  switch (step.kind) {
    case StepKind::kLinearAccess:
      return AccessCode(step.access, is_64_bit);
    case StepKind::kRegisterWrite:
      return RegisterCode(step.reg);
    case StepKind::kPdpteLoad:
      return RegisterCode(GuestRegister::kCr3);
    case StepKind::kInvalidation:
      return InvalidationCode(step.invalidation.kind);
    case StepKind::kEptpSwitch: {
      Bytes code;
      code.Add(0x0f, 0x01, 0xd4);  // VMFUNC
      return code;
    }
    default:
      return {};
  }
}

}  // namespace

bool HasInstruction(const Step& step) {
  if (step.kind == StepKind::kLinearAccess) {
    return step.access.kind != AccessKind::kFetch;
  }
  return BytesOf(step, true).length() != 0;
}

std::uint16_t CodeOffset(const Step& step) {
  const auto place = [](unsigned number) {
    return static_cast<std::uint16_t>(kCodeBytes * number);
  };
  switch (step.kind) {
    case StepKind::kEptpSwitch:
      return place(20);
    case StepKind::kPdpteLoad:
      return place(21);
    case StepKind::kRegisterWrite:
      return place(22 + static_cast<unsigned>(step.reg));
    case StepKind::kInvalidation:
      return place(step.invalidation.kind == InvalidationKind::kInvlpg ? 32
                                                                       : 33);
    default:
      break;
  }
  const Access& access = step.access;
  if (access.implicit_supervisor) return place(15);
  if (access.kind == AccessKind::kShadowStackReadModifyWrite) return place(46);
  if (access.kind == AccessKind::kShadowStackRead ||
      access.kind == AccessKind::kShadowStackWrite) {
    const unsigned write = access.kind == AccessKind::kShadowStackWrite
                               ? (access.wruss ? 2 : 1)
                               : 0;
    return place(40 + 2 * write + (access.size == 8 ? 1 : 0));
  }
  const unsigned kind = access.kind == AccessKind::kRead    ? 0
                        : access.kind == AccessKind::kWrite ? 1
                                                            : 2;
  const unsigned size = access.size == 1   ? 0
                        : access.size == 2 ? 1
                        : access.size == 4 ? 2
                                           : 3;
  return place(1 + 4 * kind + size);
}

GuestCode CodeOf(const Step& step, bool is_64_bit) {
  return BytesOf(step, is_64_bit).code();
}

std::size_t CodeLength(const Step& step, bool is_64_bit) {
  return BytesOf(step, is_64_bit).length();
}

GuestCode OnlyInt3() { return Bytes().code(); }

}  // namespace eptdiff
