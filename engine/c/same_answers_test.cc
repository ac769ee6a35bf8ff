// That the engine through C is the engine: the same questions to both, over a
// flat image and over functions, with translations kept and without.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/c/engine_testing.h"
#include "engine/c/eptdiff_engine.h"
#include "engine/cache/caching_engine.h"
#include "engine/engine.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

// The three parts of a machine, and the same for C.
struct Both {
  Processor processor;
  Controls controls;
  GuestState guest;

  eptdiff_engine_machine ForC() const {
    eptdiff_engine_machine m;
    eptdiff_engine_machine_init(&m, sizeof(m));
    m.maxphyaddr = processor.maxphyaddr;
    m.ept_vpid_cap = processor.ept_vpid_cap;
    m.cpu = processor.page_1gb ? EPTDIFF_ENGINE_CPU_1_GBYTE_PAGES : 0;
    m.primary = controls.primary;
    m.secondary = controls.secondary;
    m.eptp = controls.eptp;
    m.pml_address = controls.pml_address;
    m.pml_index = controls.pml_index;
    m.vpid = controls.vpid;
    m.ve_information_address = controls.ve_information_address;
    m.cr0 = guest.cr0;
    m.cr3 = guest.cr3;
    m.cr4 = guest.cr4;
    m.efer = guest.efer;
    m.cpl = guest.cpl;
    m.cs_l = guest.cs_l;
    return m;
  }
};

class Questions {
 public:
  explicit Questions(unsigned seed) : random_(seed) {}

  bool Chance(unsigned percent) { return random_() % 100 < percent; }
  std::uint64_t Below(std::uint64_t n) { return random_() % n; }

  // Tables in the image's own pages, most of them good.
  Image Memory() {
    Image image(kWords);
    for (std::uint64_t& word : image) {
      if (Chance(40)) continue;
      word = Below(8) << 12 | 7 | (Chance(30) ? 0x300 : 0);
      if (Chance(20)) word |= 0x80 | 6 << 3 | Below(4) << 30;
      if (Chance(20)) word ^= std::uint64_t{1} << Below(64);
      if (Chance(20)) word |= 0x67;  // as the guest's
    }
    return image;
  }

  Both Machine() {
    Both both;
    both.processor.ept_vpid_cap = 0x00000f0106f34141;
    both.processor.page_1gb = Chance(50);
    both.controls.primary = 0x80000000;
    both.controls.secondary = 0x22;
    both.controls.vpid = 1;
    both.controls.eptp = Below(8) << 12 | (Chance(50) ? 0x5e : 0x1e);
    if (Chance(30)) both.controls.secondary |= 1u << 17;  // PML
    if (Chance(30)) both.controls.secondary |= 1u << 18;  // #VE
    if (Chance(30)) both.controls.secondary |= 1u << 22;  // MBEC
    both.controls.pml_address = Below(9) << 12;
    both.controls.pml_index = static_cast<std::uint16_t>(Below(514));
    both.controls.ve_information_address = Below(8) << 12;
    if (Chance(60)) {
      both.guest.cr0 = 0x80010001;
      both.guest.cr4 = 0x20;
      both.guest.efer = 0xd01;
      both.guest.cr3 = Below(8) << 12;
      both.guest.cs_l = true;
    }
    both.guest.cpl = Chance(50) ? 3 : 0;
    return both;
  }

  eptdiff_engine_access_request Request() {
    eptdiff_engine_access_request request = {};
    request.size = sizeof(request);
    request.kind = static_cast<std::uint8_t>(Below(4));
    request.bytes = Chance(20) ? 4096 : 8;
    request.user = Chance(50);
    request.pat_index = static_cast<std::uint8_t>(Below(8));
    request.gla = Address();
    return request;
  }
  std::uint64_t Address() {
    return Below(4) << 39 | Below(4) << 30 | Below(4) << 21 | Below(4) << 12 |
           Below(4096);
  }

 private:
  std::mt19937 random_;
};

void ExpectSame(const Translation& ours, const eptdiff_engine_translation& c) {
  EXPECT_EQ(ours.address.value, c.address);
  EXPECT_EQ(ours.page_shift, c.page_shift);
  EXPECT_EQ(static_cast<int>(ours.memory_type), c.memory_type);
  EXPECT_EQ(static_cast<int>(ours.structure_memory_type),
            c.structure_memory_type);
  EXPECT_EQ(ours.guest_structure_types, c.guest_structure_types);
}

void ExpectSame(const Event& ours, const eptdiff_engine_event& c) {
  EXPECT_EQ(static_cast<unsigned>(ours.kind), c.kind);
  EXPECT_EQ(ours.translation_count, c.translation_count);
  for (unsigned i = 0; i < ours.translation_count; ++i) {
    ExpectSame(ours.translations[i], c.translations[i]);
  }
  EXPECT_EQ(static_cast<unsigned>(ours.failed_check), c.failed_check);
  EXPECT_EQ(ours.exit_reason, c.exit_reason);
  EXPECT_EQ(ours.interruption_information, c.interruption_information);
  EXPECT_EQ(ours.qualification, c.qualification);
  EXPECT_EQ(ours.gpa.value, c.gpa);
  EXPECT_EQ(ours.gla.value, c.gla);
  EXPECT_EQ(ours.cr2.value, c.cr2);
  EXPECT_EQ(ours.error_code, c.error_code);
}

// Asks one engine through C and its twin, in images of their own.
template <typename Twin>
void ExpectTheSameAnswers(eptdiff_engine* c, Twin& twin, Image& image,
                          Image& image_of_c, Questions& ask) {
  FlatMemory memory(image.data(), 8 * image.size());
  for (int i = 0; i < 40; ++i) {
    const eptdiff_engine_access_request request = ask.Request();
    const Access access = {.kind = static_cast<AccessKind>(request.kind),
                           .size = request.bytes};
    const GuestPage page = {.gla = Gla{request.gla},
                            .user = request.user != 0,
                            .pat_index = request.pat_index};
    const std::uint64_t gpa = ask.Address();
    eptdiff_engine_event event = {};
    event.size = sizeof(event);
    Event expected;
    EngineStatus status = EngineStatus::kAnswered;
    int given = 0;
    switch (ask.Below(6)) {
      case 0:
        status = twin.PerformAccess(memory, access, Gpa{gpa}, page, expected);
        given = eptdiff_engine_access(c, &request, gpa, &event);
        break;
      case 1:
        status = twin.PerformLinearAccess(memory, access, page.gla, expected);
        given = eptdiff_engine_access_linear(c, &request, &event);
        break;
      case 2:
        status = twin.ReadPagingStructure(memory, Gpa{gpa & ~7ull}, page.gla,
                                          page.pat_index, expected);
        given = eptdiff_engine_access_structure(c, 0, gpa & ~7ull, request.gla,
                                                page.pat_index, &event);
        break;
      case 3: {
        Translation found;
        eptdiff_engine_translation of_c;
        const bool is = twin.Translate(memory, Gpa{gpa}, Use::kWrite, found, 3);
        ASSERT_EQ(eptdiff_engine_translate(c, gpa, EPTDIFF_ENGINE_USE_WRITE, 3,
                                           &of_c),
                  is ? 1 : 0);
        if (is) ExpectSame(found, of_c);
        continue;
      }
      case 4:
        status = twin.WriteRegister(memory, GuestRegister::kCr3, gpa & 0x7000,
                                    expected);
        given = eptdiff_engine_write_register(c, EPTDIFF_ENGINE_CR3,
                                              gpa & 0x7000, &event);
        break;
      default: {  // Software changes an entry, without a word to anybody.
        const std::size_t word = ask.Below(kWords);
        image_of_c[word] = image[word] = ask.Below(8) << 12 | 0xf7;
        continue;
      }
    }
    ASSERT_EQ(static_cast<int>(status), given);
    if (status == EngineStatus::kAnswered) ExpectSame(expected, event);
    ASSERT_EQ(image, image_of_c);
  }
}

TEST(SameAnswersTest, AnswersAsTheEngine) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Questions ask(seed);
    Image image = ask.Memory();
    Image of_c = image;
    const Both both = ask.Machine();
    const eptdiff_engine_memory memory =
        seed % 2 == 0 ? FlatOf(of_c) : CallbacksOf(of_c);
    Handle c = Create(both.ForC(), memory, seed % 4 < 2 ? 0 : 256);
    if (seed % 4 < 2) {
      Engine twin(both.processor, both.controls, both.guest);
      ExpectTheSameAnswers(c.get(), twin, image, of_c, ask);
      eptdiff_engine_machine after = both.ForC();
      ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &after), 0);
      EXPECT_EQ(after.pml_index, twin.controls().pml_index);
      EXPECT_EQ(after.cr3, twin.guest().cr3);
    } else {
      TranslationCache cache(256);
      CachingEngine twin(cache, both.processor, both.controls, both.guest);
      ExpectTheSameAnswers(c.get(), twin, image, of_c, ask);
    }
    if (HasFailure()) return;
  }
}

TEST(SameAnswersTest, ManyAtATimeAreAsOneByOne) {
  Questions ask(7);
  Image image = ask.Memory();
  const Both both = ask.Machine();
  Handle c = Create(both.ForC(), FlatOf(image), 0);
  std::vector<std::uint64_t> gpas;
  for (int i = 0; i < 500; ++i) gpas.push_back(ask.Address());
  std::vector<eptdiff_engine_translation> pages(gpas.size());
  std::size_t found = 0;
  const std::size_t translated =
      eptdiff_engine_translate_many(c.get(), gpas.data(), gpas.size(),
                                    EPTDIFF_ENGINE_USE_READ, 0, pages.data());
  for (std::size_t i = 0; i < gpas.size(); ++i) {
    eptdiff_engine_translation page = {};
    const int is = eptdiff_engine_translate(c.get(), gpas[i],
                                            EPTDIFF_ENGINE_USE_READ, 0, &page);
    EXPECT_EQ(is, pages[i].page_shift != 0);
    EXPECT_EQ(pages[i].address, page.address);
    found += static_cast<std::size_t>(is);
  }
  EXPECT_EQ(translated, found);
  EXPECT_GT(found, 0u);
  EXPECT_LT(found, gpas.size());
}

}  // namespace
}  // namespace eptdiff
