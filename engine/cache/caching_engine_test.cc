// What is kept, and what ends it: each test changes memory behind the cache and
// sees whether the next access does.
#include "engine/cache/caching_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

using engine::CacheFlaw;

constexpr std::uint16_t kVpid = 5;
constexpr std::uint64_t kPcide = 1 << 17, kPge = 1 << 7, kGlobal = 1 << 8;

// A guest with VPIDs and PCIDs, whose page and tables EPT maps.
class CachingEngineTest : public testing::Test {
 protected:
  CachingEngineTest() {
    m_.controls.primary |= 1u << 31;
    m_.controls.secondary |= 1u << 5 | 1u << 12;  // VPID, INVPCID
    m_.controls.vpid = kVpid;
    m_.processor.ept_vpid_cap = 0x00000f01'06f341c1;
    m_.processor.pcid = true;
    m_.guest.cr4 |= kPcide | kPge;
    m_.guest.cr3 |= 1;
    m_.guest.rflags = 2;
    Begin();
  }

  // A new engine, with an empty cache.
  void Begin() {
    engine_.reset();
    cache_ = std::make_unique<TranslationCache>(64);
    engine_ = std::make_unique<CachingEngine>(*cache_, m_.processor,
                                              m_.controls, m_.guest);
  }

  Event Linear(AccessKind kind = AccessKind::kRead,
               Gla gla = GuestTestMachine::kGla) {
    FlatMemory memory(m_.words.data(), m_.words.size() * 8);
    Event event;
    EXPECT_EQ(
        engine_->PerformLinearAccess(memory, Access{.kind = kind}, gla, event),
        EngineStatus::kAnswered);
    return event;
  }
  Event Physical(AccessKind kind = AccessKind::kRead, Gpa gpa = kPage,
                 std::uint16_t size = 1) {
    FlatMemory memory(m_.words.data(), m_.words.size() * 8);
    Event event;
    const Access access = {.kind = kind, .size = size};
    EXPECT_EQ(engine_->PerformAccess(memory, access, gpa, GuestPage(), event),
              EngineStatus::kAnswered);
    return event;
  }
  EventKind Write(GuestRegister reg, std::uint64_t value) {
    FlatMemory memory(m_.words.data(), m_.words.size() * 8);
    Event event;
    EXPECT_EQ(engine_->WriteRegister(memory, reg, value, event),
              EngineStatus::kAnswered);
    return event.kind;
  }
  static std::uint64_t AddressIn(const Event& event) {
    return event.translation_count == 0 ? 0
                                        : event.translations[0].address.value;
  }
  // Where the page is that the guest's PTE, or EPT's, mapped first; and later.
  static constexpr std::uint64_t kBefore = 0x29abc, kAfter = 0x2aabc;
  bool LinearIsStale() { return AddressIn(Linear()) == kBefore; }
  bool PhysicalIsStale() { return AddressIn(Physical()) == kBefore; }
  void MoveGuestPage() { m_.Set(1, (m_.Get(1) & 0xfff) | 0xa000); }
  void MoveEptPage() { m_.EptPteOf(kPage) += 0x1000; }

  static constexpr Gpa kPage{0x9abc};
  GuestTestMachine m_;
  std::unique_ptr<TranslationCache> cache_;
  std::unique_ptr<CachingEngine> engine_;
};

TEST_F(CachingEngineTest, AHitIsTheSameAnswer) {
  const Event linear = Linear();
  const Event physical = Physical();
  EXPECT_EQ(linear, m_.Linear(AccessKind::kRead));
  EXPECT_EQ(physical, m_.Perform(AccessKind::kRead, kPage));
  m_.words.assign(m_.words.size(), 0);
  EXPECT_EQ(Linear(), linear);
  EXPECT_EQ(Physical(), physical);
  EXPECT_FALSE(Completed(Linear(AccessKind::kWrite))) << "another kind";
}

TEST_F(CachingEngineTest, WhatHasToSetFlagsIsNotKept) {
  m_.EnableAccessDirty();
  m_.EnablePml(7);
  m_.Flip(1, 0x40);  // the guest's dirty flag
  m_.EptPteOf(kPage) &= ~std::uint64_t{0x200};
  Begin();
  EXPECT_TRUE(Completed(Linear(AccessKind::kRead)));
  EXPECT_EQ(m_.Get(1) & 0x40, 0u);
  EXPECT_TRUE(Completed(Linear(AccessKind::kWrite)));
  EXPECT_EQ(m_.Get(1) & 0x40, 0x40u);
  EXPECT_EQ(m_.EptPteOf(kPage) & 0x200, 0x200u);
  EXPECT_EQ(engine_->engine().controls().pml_index, 6);
  // Now it is kept with its flags: none is set again (CACHE-10).
  EXPECT_TRUE(Completed(Linear(AccessKind::kWrite)));
  m_.EptPteOf(kPage) &= ~std::uint64_t{0x200};
  EXPECT_TRUE(Completed(Linear(AccessKind::kWrite)));
  EXPECT_EQ(m_.EptPteOf(kPage) & 0x200, 0u);
  engine_->Invept(1, m_.controls.eptp);
  EXPECT_TRUE(Completed(Linear(AccessKind::kWrite)));
  EXPECT_EQ(m_.EptPteOf(kPage) & 0x200, 0x200u);
  EXPECT_EQ(engine_->engine().controls().pml_index, 5);
}

TEST_F(CachingEngineTest, LargeAccessesUseWhatIsKept) {
  Begin();
  constexpr AccessKind kRead = AccessKind::kRead;
  EXPECT_TRUE(Completed(Physical(kRead, Gpa{0x9000}, 4096)));
  m_.EptPteOf(kPage) = 0;
  EXPECT_TRUE(Completed(Physical(kRead, Gpa{0x9000}, 4096)));
  FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  Event event;
  EXPECT_EQ(engine_->PerformAccess(memory, Access{.size = 0}, Gpa{0x9000},
                                   GuestPage(), event),
            EngineStatus::kCallerError);
  // What has bytes in two pages is walked.
  EXPECT_EQ(ExitReason(Physical(kRead, Gpa{0x9001}, 4096)), 48);
}

// Whatever is kept of the page.
TEST_F(CachingEngineTest, WhatIsNoKindOfAccessIsNoQuestion) {
  for (int kind = 0; kind < kAccessKindCount; ++kind) {
    Linear(static_cast<AccessKind>(kind));
    Physical(static_cast<AccessKind>(kind));
  }
  FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  for (const int number : {7, 8, 10, 11, 23, 32, 128, 255}) {
    SCOPED_TRACE(number);
    const Access access = {.kind = static_cast<AccessKind>(number)};
    Event event;
    Translation page;
    EXPECT_EQ(engine_->PerformAccess(memory, access, kPage, GuestPage(), event),
              EngineStatus::kCallerError);
    EXPECT_EQ(engine_->PerformLinearAccess(memory, access,
                                           GuestTestMachine::kGla, event),
              EngineStatus::kCallerError);
    EXPECT_FALSE(
        engine_->TranslateLinear(memory, access, GuestTestMachine::kGla, page));
    EXPECT_FALSE(engine_->Translate(
        memory, kPage, static_cast<Use>(std::max(number, 9)), page));
  }
}

TEST_F(CachingEngineTest, SubPagePermissionsAreAskedEachTime) {
  m_.EnableSpp();
  m_.At(0xa000) = 0xb001;
  m_.At(0xb000) = 0xc001;
  m_.At(0xc000) = 0xd001;
  m_.At(0xd000 + 8 * 9) = 1ull << (2 * (0xabc >> 7));
  m_.EptPteOf(kPage) = (m_.EptPteOf(kPage) & ~std::uint64_t{2}) | 1ull << 61;
  Begin();
  EXPECT_TRUE(Completed(Physical(AccessKind::kWrite)));
  EXPECT_EQ(ExitReason(Physical(AccessKind::kWrite, Gpa{0x9000})), 48);
  m_.At(0xd000 + 8 * 9) = 0;
  EXPECT_EQ(ExitReason(Physical(AccessKind::kWrite)), 48);
}

TEST_F(CachingEngineTest, ARightThatWasGrantedCostsNoViolation) {
  m_.EptPteOf(kPage) &= ~std::uint64_t{2};
  Begin();
  EXPECT_TRUE(Completed(Physical(AccessKind::kRead)));
  m_.EptPteOf(kPage) |= 2;
  EXPECT_TRUE(Completed(Physical(AccessKind::kWrite)));
}

TEST_F(CachingEngineTest, OtherRegistersUseNothingOfIt) {
  Linear();
  MoveGuestPage();
  ASSERT_TRUE(LinearIsStale());
  GuestState guest = engine_->engine().guest();
  guest.cr0 ^= 1 << 16;  // WP
  engine_->set_guest(guest);
  EXPECT_FALSE(LinearIsStale());
  guest.cr0 ^= 1 << 16;
  engine_->set_guest(guest);
  EXPECT_TRUE(LinearIsStale()) << "it is still there";
  guest.cpl = 3;
  engine_->set_guest(guest);
  EXPECT_FALSE(LinearIsStale()) << "a user is another";
}

TEST_F(CachingEngineTest, TagsAreToldApart) {
  Linear();
  Physical();
  MoveEptPage();
  ASSERT_TRUE(LinearIsStale());
  ASSERT_TRUE(PhysicalIsStale());
  Controls controls = m_.controls;
  controls.eptp += 0x10000;  // EPTRTA
  engine_->Load(m_.processor, controls, m_.guest);
  EXPECT_EQ(AddressIn(Physical()), 0u);
  controls = m_.controls;
  controls.vpid = kVpid + 1;
  engine_->Load(m_.processor, controls, m_.guest);
  EXPECT_TRUE(PhysicalIsStale()) << "guest-physical ones have no VPID";
  engine_->Load(m_.processor, m_.controls, m_.guest);
  EXPECT_TRUE(LinearIsStale());
}

TEST_F(CachingEngineTest, PcidsAreToldApartButForGlobalPages) {
  for (const bool global : {false, true}) {
    m_.Set(1, (m_.Get(1) & 0xff) | 0x9000 | (global ? kGlobal : 0));
    Begin();
    Linear();
    MoveGuestPage();
    GuestState guest = m_.guest;
    guest.cr3 ^= 3;
    engine_->set_guest(guest);
    EXPECT_EQ(LinearIsStale(), global);
    engine_->set_guest(m_.guest);
    EXPECT_TRUE(LinearIsStale()) << global;
  }
}

// What ends what: whether a mapping is gone after `act`.
struct Ending {
  const char* name;
  std::function<void(CachingEngine&)> act;
  bool guest_physical;  // ends those ...
  bool combined;        // ... and those of this VPID and PCID
  bool global;          // ... and of a global page
  CacheFlaw flaw;       // without which it ends nothing
};

class EndingTest : public CachingEngineTest,
                   public testing::WithParamInterface<Ending> {};

constexpr Gla kGla = GuestTestMachine::kGla;
constexpr Gla kOther{GuestTestMachine::kGla.value + 0x1000};
constexpr std::uint64_t kEptp = 0x101e;

const Ending kEndings[] = {
    {"InveptSingle", [](CachingEngine& e) { e.Invept(1, kEptp); }, true, true,
     true, CacheFlaw::kInveptSingle},
    {"InveptSingleOfAnother", [](CachingEngine& e) { e.Invept(1, 0x601e); },
     false, false, false, CacheFlaw::kInveptSingle},
    {"InveptRefused", [](CachingEngine& e) { e.Invept(0, kEptp); }, false,
     false, false, CacheFlaw::kInveptSingle},
    {"InveptAll", [](CachingEngine& e) { e.Invept(2, 0); }, true, true, true,
     CacheFlaw::kInveptAll},
    {"InvvpidPage", [](CachingEngine& e) { e.Invvpid(0, kVpid, kGla); }, false,
     true, true, CacheFlaw::kInvvpidPage},
    {"InvvpidOtherPage", [](CachingEngine& e) { e.Invvpid(0, kVpid, kOther); },
     false, false, false, CacheFlaw::kInvvpidPage},
    {"InvvpidSingle", [](CachingEngine& e) { e.Invvpid(1, kVpid, {}); }, false,
     true, true, CacheFlaw::kInvvpidSingle},
    {"InvvpidOfAnother", [](CachingEngine& e) { e.Invvpid(1, kVpid + 1, {}); },
     false, false, false, CacheFlaw::kInvvpidSingle},
    {"InvvpidAll", [](CachingEngine& e) { e.Invvpid(2, 0, {}); }, false, true,
     true, CacheFlaw::kInvvpidAll},
    {"InvvpidRetaining", [](CachingEngine& e) { e.Invvpid(3, kVpid, {}); },
     false, true, false, CacheFlaw::kInvvpidRetaining},
    {"Invlpg", [](CachingEngine& e) { e.Invlpg(kGla); }, false, true, true,
     CacheFlaw::kInvlpg},
    {"InvlpgOfAnother", [](CachingEngine& e) { e.Invlpg(kOther); }, false,
     false, false, CacheFlaw::kInvlpg},
    {"InvpcidPage", [](CachingEngine& e) { e.Invpcid(0, 1, kGla); }, false,
     true, false, CacheFlaw::kInvpcidPage},
    {"InvpcidOfAnother", [](CachingEngine& e) { e.Invpcid(0, 2, kGla); }, false,
     false, false, CacheFlaw::kInvpcidPage},
    {"InvpcidSingle", [](CachingEngine& e) { e.Invpcid(1, 1, {}); }, false,
     true, false, CacheFlaw::kPcid},
    {"InvpcidSingleOfAnother", [](CachingEngine& e) { e.Invpcid(1, 2, {}); },
     false, false, false, CacheFlaw::kPcid},
    {"InvpcidAll", [](CachingEngine& e) { e.Invpcid(2, 0, {}); }, false, true,
     true, CacheFlaw::kInvvpidSingle},
    {"InvpcidAllButGlobals", [](CachingEngine& e) { e.Invpcid(3, 0, {}); },
     false, true, false, CacheFlaw::kInvvpidRetaining},
    {"ExitWithVpid", [](CachingEngine& e) { e.Exit(); }, false, false, false,
     CacheFlaw::kTransition},
    {"EntryWithVpid",
     [](CachingEngine& e) {
       e.Enter(e.engine().controls(), e.engine().guest());
     },
     false, false, false, CacheFlaw::kTransition},
};

TEST_P(EndingTest, EndsWhatItMustAndNothingElse) {
  const Ending& ending = GetParam();
  for (const bool global : {false, true}) {
    m_.Set(1, (m_.Get(1) & 0xff) | 0x9000 | (global ? kGlobal : 0));
    m_.EptPteOf(kPage) = 0x29337;
    Begin();
    Linear();
    MoveGuestPage();
    ending.act(*engine_);
    EXPECT_EQ(LinearIsStale(), !(global ? ending.global : ending.combined));
  }
  Begin();
  Physical();
  MoveEptPage();
  ending.act(*engine_);
  EXPECT_EQ(PhysicalIsStale(), !ending.guest_physical);
}

// The same, where it forgets to: this test would notice.
TEST_P(EndingTest, WithTheFlawEverythingStays) {
  Begin();
  cache_->PlantForTesting(GetParam().flaw);
  Linear();
  Physical();
  MoveEptPage();
  GetParam().act(*engine_);
  EXPECT_TRUE(LinearIsStale());
  EXPECT_TRUE(PhysicalIsStale());
}

INSTANTIATE_TEST_SUITE_P(, EndingTest, testing::ValuesIn(kEndings),
                         [](const auto& ending) { return ending.param.name; });

TEST_F(CachingEngineTest, MovToCr3SparesGlobalPagesAndOtherPcids) {
  struct {
    std::uint64_t value;  // of MOV, with PCID 1 current
    bool global;
    bool stays;  // what PCID 1 has
  } const kMoves[] = {
      {0x2001, false, false},
      {0x2001, true, true},
      {0x2001 | 1ull << 63, false, true},
      {0x2002, false, true},
  };
  for (const auto& move : kMoves) {
    m_.Set(1, (m_.Get(1) & 0xff) | 0x9000 | (move.global ? kGlobal : 0));
    Begin();
    Linear();
    MoveGuestPage();
    ASSERT_EQ(Write(GuestRegister::kCr3, move.value), EventKind::kCompleted);
    engine_->set_guest(m_.guest);
    EXPECT_EQ(LinearIsStale(), move.stays) << std::hex << move.value;
  }
}

TEST_F(CachingEngineTest, MovToCr4EndsWhatDependsOnIt) {
  m_.guest.cr0 |= 1 << 5;
  m_.guest.cr4 |= 0x2000;
  m_.processor.smep = m_.processor.smap = true;
  struct {
    std::uint64_t bits;
    bool ends;
  } const kMoves[] = {{kPge, true}, {1 << 20, true}, {1 << 21, false}};
  for (const auto& move : kMoves) {
    m_.Set(1, (m_.Get(1) & 0xff) | 0x9000);
    Begin();
    Linear();
    MoveGuestPage();
    ASSERT_EQ(Write(GuestRegister::kCr4, m_.guest.cr4 ^ move.bits),
              EventKind::kCompleted);
    engine_->set_guest(m_.guest);
    EXPECT_EQ(LinearIsStale(), !move.ends) << std::hex << move.bits;
  }
}

TEST_F(CachingEngineTest, WithoutVpidsTransitionsEndCombinedMappings) {
  m_.controls.secondary &= ~(1u << 5);
  Begin();
  Linear();
  Physical();
  MoveEptPage();
  ASSERT_TRUE(LinearIsStale());
  engine_->Exit();
  EXPECT_TRUE(PhysicalIsStale());
  // What is made anew rests on guest-physical mappings as they are kept.
  EXPECT_TRUE(LinearIsStale());
  MoveGuestPage();
  EXPECT_TRUE(LinearIsStale());
  engine_->Enter(m_.controls, m_.guest);
  EXPECT_FALSE(LinearIsStale());
}

// 3A 4.10.2.3, 4.10.4.1.
TEST_F(CachingEngineTest, ALargePageEndsInAllItsParts) {
  // GLA 8080600000H, 2 MBytes, from guest-physical address 40000000H on.
  m_.Set(2, 0x400000e7);
  const auto part = [](int i) {
    return Gla{(GuestTestMachine::kGla.value & ~std::uint64_t{0x1fffff}) +
               0x1000u * i};
  };
  for (const bool flaw : {false, true}) {
    m_.Set(2, 0x400000e7);
    Begin();
    if (flaw) cache_->PlantForTesting(CacheFlaw::kLargePageInPart);
    for (const int i : {1, 7}) Linear(AccessKind::kRead, part(i));
    m_.Set(2, 0x406000e7);
    EXPECT_EQ(AddressIn(Linear(AccessKind::kRead, part(1))), 0x40001000u);
    engine_->Invlpg(part(1));
    EXPECT_EQ(AddressIn(Linear(AccessKind::kRead, part(1))), 0x40601000u);
    EXPECT_EQ(AddressIn(Linear(AccessKind::kRead, part(7))),
              flaw ? 0x40007000u : 0x40607000u);
  }
}

TEST_F(CachingEngineTest, AViolationEndsWhatItsAddressWouldUse) {
  const std::optional<CacheFlaw> kFlaws[] = {
      std::nullopt, CacheFlaw::kViolationCombined,
      CacheFlaw::kViolationGuestPhysical};
  for (const auto& flaw : kFlaws) {
    m_.EptPteOf(kPage) = 0x29335;  // read-only
    Begin();
    if (flaw) cache_->PlantForTesting(*flaw);
    Linear();
    Physical();
    MoveEptPage();
    ASSERT_TRUE(LinearIsStale());
    EXPECT_EQ(ExitReason(Linear(AccessKind::kWrite)), 48);
    EXPECT_EQ(PhysicalIsStale(), flaw == CacheFlaw::kViolationGuestPhysical);
    EXPECT_EQ(LinearIsStale(), flaw.has_value());
  }
}

TEST_F(CachingEngineTest, APageFaultEndsWhatItsAddressWouldUse) {
  for (const bool flaw : {false, true}) {
    m_.Set(1, 0x9065);  // read-only
    Begin();
    if (flaw) cache_->PlantForTesting(CacheFlaw::kPageFault);
    Linear();
    MoveGuestPage();
    ASSERT_TRUE(LinearIsStale());
    EXPECT_EQ(Linear(AccessKind::kWrite).kind, EventKind::kPageFault);
    EXPECT_EQ(LinearIsStale(), flaw);
  }
}

TEST_F(CachingEngineTest, UpperLevelsAreKeptApart) {
  Linear();
  // The page directory's entry leads elsewhere; another page of its table.
  m_.Set(1, 0);
  m_.Guest(GuestTestMachine::TableOf(1) + 8 * 5) = 0xa067;
  m_.Set(2, 0);
  EXPECT_EQ(AddressIn(Linear(AccessKind::kRead, kOther)), 0x2aabcu);
  EXPECT_TRUE(LinearIsStale());
  engine_->Invlpg(Gla{0x1000});
  EXPECT_TRUE(LinearIsStale()) << "not its page";
  EXPECT_TRUE(Completed(Linear(AccessKind::kRead, kOther))) << "nor this";
  engine_->Invlpg(kOther);
  EXPECT_EQ(Linear(AccessKind::kRead, kOther).kind, EventKind::kPageFault);
}

TEST_F(CachingEngineTest, EptpSwitchingEndsNothing) {
  m_.controls.secondary |= 1u << 13;
  m_.controls.vm_functions = 1;
  m_.controls.eptp_list_address = 0x6000;
  m_.At(0x6000) = m_.controls.eptp;
  m_.At(0x6008) = m_.controls.eptp + 0x6000;  // tables at 7000H
  m_.At(0x7000) = m_.At(0x1000);
  Begin();
  Linear();
  MoveEptPage();
  FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  Event event;
  engine_->Vmfunc(memory, 0, 1, event);
  ASSERT_TRUE(Completed(event));
  EXPECT_FALSE(LinearIsStale());
  engine_->Vmfunc(memory, 0, 0, event);
  ASSERT_TRUE(Completed(event));
  EXPECT_TRUE(LinearIsStale());
}

// Numbers of spaces run out, and everything goes on.
TEST_F(CachingEngineTest, ManyInvalidations) {
  for (int i = 0; i < 20'000; ++i) {
    const bool moved = i % 2 != 0;
    m_.Set(1, (m_.Get(1) & 0xff) | (moved ? 0xa000 : 0x9000));
    engine_->Invvpid(1, kVpid, {});
    ASSERT_EQ(AddressIn(Linear()), moved ? kAfter : kBefore) << i;
  }
}

TEST(TranslationCacheTest, HasRoomForAPowerOfTwo) {
  EXPECT_EQ(TranslationCache(0).pages(), 1u);
  EXPECT_EQ(TranslationCache(64).pages(), 64u);
  EXPECT_EQ(TranslationCache(65).pages(), 128u);
}

}  // namespace
}  // namespace eptdiff
