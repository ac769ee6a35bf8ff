// That the engine through C is the engine: the same questions to both, over a
// flat image and over functions, with translations kept and without.
#include "engine/c/eptdiff_engine.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "engine/cache/caching_engine.h"
#include "engine/engine.h"
#include "engine/walk/exit_qualification.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

constexpr std::size_t kWords = 8 * 512;
using Image = std::vector<std::uint64_t>;

int Load(void* context, std::uint64_t address, std::uint64_t* word) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size()) return 0;
  *word = image[address / 8];
  return 1;
}
int Store(void* context, std::uint64_t address, std::uint64_t word) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size()) return 0;
  image[address / 8] = word;
  return 1;
}
int CompareExchange(void* context, std::uint64_t address,
                    std::uint64_t expected, std::uint64_t desired) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size() || image[address / 8] != expected) return 0;
  image[address / 8] = desired;
  return 1;
}

eptdiff_engine_memory FlatOf(Image& image) {
  eptdiff_engine_memory memory = {};
  memory.size = sizeof(memory);
  memory.image = image.data();
  memory.image_bytes = 8 * image.size();
  return memory;
}
eptdiff_engine_memory CallbacksOf(Image& image) {
  eptdiff_engine_memory memory = {};
  memory.size = sizeof(memory);
  memory.context = &image;
  memory.load = Load;
  memory.store = Store;
  memory.compare_exchange = CompareExchange;
  return memory;
}

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

using Handle =
    std::unique_ptr<eptdiff_engine, decltype(&eptdiff_engine_destroy)>;
Handle Create(const eptdiff_engine_machine& machine,
              const eptdiff_engine_memory& memory, std::uint64_t pages) {
  eptdiff_engine* engine = nullptr;
  EXPECT_EQ(eptdiff_engine_create(&machine, &memory, pages, &engine),
            EPTDIFF_ENGINE_ANSWERED);
  return {engine, &eptdiff_engine_destroy};
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

TEST(EptdiffEngineTest, AnswersAsTheEngine) {
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

// A page of 1 GByte at GPA 0, which may be read and written.
struct OnePage {
  OnePage() : image(kWords) {
    image[0x1000 / 8] = 0x2007;
    image[0x2000 / 8] = 0x400000b3;
    eptdiff_engine_machine_init(&machine, sizeof(machine));
    machine.ept_vpid_cap = 0x06334141;
    machine.primary = 0x80000000;
    machine.secondary = 0x22;
    machine.vpid = 1;
    machine.eptp = 0x105e;
    event.size = sizeof(event);
    write.size = sizeof(write);
    write.kind = EPTDIFF_ENGINE_WRITE;
  }
  Image image;
  eptdiff_engine_machine machine;
  eptdiff_engine_event event = {};
  eptdiff_engine_access_request write = {};
};

TEST(EptdiffEngineTest, MemoryThatIsOnlyReadStaysAsItIs) {
  OnePage one;
  eptdiff_engine_memory memory = CallbacksOf(one.image);
  memory.store = nullptr;
  const Image before = one.image;
  Handle c = Create(one.machine, memory, 0);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &one.event),
              EPTDIFF_ENGINE_ANSWERED);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED);
    EXPECT_EQ(one.event.translations[0].address, 0x40001234u);
  }
  EXPECT_EQ(one.image, before);

  // The same with all functions sets the flags.
  Handle writes = Create(one.machine, CallbacksOf(one.image), 0);
  eptdiff_engine_access(writes.get(), &one.write, 0x1234, &one.event);
  EXPECT_EQ(one.image[0x1000 / 8], 0x2107u);
  EXPECT_EQ(one.image[0x2000 / 8], 0x400003b3u);
}

TEST(EptdiffEngineTest, NothingIsReadOutsideOfTheImage) {
  OnePage one;
  one.image[0x1000 / 8] = 8 * kWords | 7;
  for (const eptdiff_engine_memory& memory :
       {FlatOf(one.image), CallbacksOf(one.image)}) {
    Handle c = Create(one.machine, memory, 0);
    EXPECT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &one.event),
              EPTDIFF_ENGINE_NO_MEMORY);
    eptdiff_engine_entry entries[5] = {};
    for (auto& entry : entries) entry.size = sizeof(entry);
    std::size_t count = 0;
    EXPECT_EQ(eptdiff_engine_walk(c.get(), 0x1234, entries, &count),
              EPTDIFF_ENGINE_NO_MEMORY);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(entries[0].kind, EPTDIFF_ENGINE_TABLE);
  }
}

TEST(EptdiffEngineTest, AnImageMayBeginAnywhere) {
  OnePage one;
  eptdiff_engine_memory memory = FlatOf(one.image);
  memory.first = 0x1000;
  memory.image = one.image.data() + 0x1000 / 8;
  memory.image_bytes = 0x2000;
  Handle c = Create(one.machine, memory, 0);
  eptdiff_engine_translation page;
  one.image[0x1000 / 8] |= 0x100;
  one.image[0x2000 / 8] |= 0x300;
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, EPTDIFF_ENGINE_USE_WRITE,
                                     0, &page),
            1);
  EXPECT_EQ(page.address, 0x40001234u);
}

TEST(EptdiffEngineTest, ManyAtATimeAreAsOneByOne) {
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

TEST(EptdiffEngineTest, WhatMakesNoSenseIsRefused) {
  OnePage one;
  eptdiff_engine* engine = nullptr;
  const auto create = [&](const eptdiff_engine_machine& machine,
                          const eptdiff_engine_memory& memory) {
    const int status = eptdiff_engine_create(&machine, &memory, 0, &engine);
    EXPECT_EQ(engine == nullptr, status != EPTDIFF_ENGINE_ANSWERED);
    eptdiff_engine_destroy(engine);
    return status;
  };
  const eptdiff_engine_memory flat = FlatOf(one.image);
  EXPECT_EQ(create(one.machine, flat), EPTDIFF_ENGINE_ANSWERED);

  for (const auto& spoil : std::vector<void (*)(eptdiff_engine_machine&)>{
           [](auto& m) { m.size -= 1; }, [](auto& m) { m.maxphyaddr = 31; },
           [](auto& m) { m.maxphyaddr = 53; }, [](auto& m) { m.cpl = 4; },
           [](auto& m) { m.keyid_bits = 15; }}) {
    eptdiff_engine_machine machine = one.machine;
    spoil(machine);
    EXPECT_EQ(create(machine, flat), EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  for (const auto& spoil : std::vector<void (*)(eptdiff_engine_memory&)>{
           [](auto& m) { m.size = 8; }, [](auto& m) { m.first = 4; },
           [](auto& m) { m.image = static_cast<char*>(m.image) + 1; },
           [](auto& m) { m.image = nullptr; }}) {
    eptdiff_engine_memory memory = flat;
    spoil(memory);
    EXPECT_EQ(create(one.machine, memory), EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  EXPECT_EQ(
      eptdiff_engine_create(&one.machine, &flat, ~std::uint64_t{0}, &engine),
      EPTDIFF_ENGINE_OUT_OF_MEMORY);
  EXPECT_EQ(eptdiff_engine_create(&one.machine, &flat, std::uint64_t{1} << 39,
                                  &engine),
            EPTDIFF_ENGINE_OUT_OF_MEMORY);
  EXPECT_EQ(engine, nullptr);

  Handle c = Create(one.machine, flat, 0);
  eptdiff_engine_access_request request = one.write;
  for (const std::uint8_t kind : {7, 8, 128, 255}) {
    request.kind = kind;
    EXPECT_EQ(eptdiff_engine_access(c.get(), &request, 0, &one.event),
              EPTDIFF_ENGINE_BAD_ARGUMENT);
    EXPECT_EQ(eptdiff_engine_access_linear(c.get(), &request, &one.event),
              EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  request = one.write;
  request.bytes = 4097;
  EXPECT_EQ(eptdiff_engine_access(c.get(), &request, 0, &one.event),
            EPTDIFF_ENGINE_CALLER_ERROR);
  eptdiff_engine_event small = one.event;
  small.size = 16;
  EXPECT_EQ(eptdiff_engine_access(c.get(), &one.write, 0, &small),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  EXPECT_EQ(eptdiff_engine_write_register(c.get(), 9, 0, &one.event),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  eptdiff_engine_translation page;
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, 9, 0, &page), 0);
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, 0, 8, &page), 0);
  const std::uint64_t gpa = 0x1234;
  EXPECT_EQ(eptdiff_engine_translate_many(c.get(), &gpa, 1, 9, 0, &page), 0u);
  EXPECT_EQ(eptdiff_engine_translate_many(c.get(), &gpa, 1, 255, 0, &page), 0u);
  eptdiff_engine_entry entry = {};
  entry.size = sizeof(entry);
  EXPECT_EQ(eptdiff_engine_decode_entry(c.get(), 7, 0, &entry),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  EXPECT_EQ(eptdiff_engine_decode_entry(c.get(), 7, 6, &entry),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
}

// A later header's structure is longer; what it has beyond ours stays.
TEST(EptdiffEngineTest, LongerStructuresAreTaken) {
  struct Longer {
    eptdiff_engine_event event;
    std::uint64_t later;
  } longer = {};
  longer.event.size = sizeof(longer);
  longer.later = 0x5555;
  OnePage one;
  Handle c = Create(one.machine, FlatOf(one.image), 0);
  ASSERT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &longer.event),
            EPTDIFF_ENGINE_ANSWERED);
  EXPECT_EQ(longer.event.translations[0].address, 0x40001234u);
  EXPECT_EQ(longer.event.size, sizeof(longer));
  EXPECT_EQ(longer.later, 0x5555u);

  struct LongerEntry {
    eptdiff_engine_entry entry;
    std::uint64_t later;
  } entries[5] = {};
  for (auto& entry : entries) entry.entry.size = sizeof(entry);
  std::size_t count = 0;
  ASSERT_EQ(eptdiff_engine_walk(c.get(), 0x1234, &entries[0].entry, &count),
            EPTDIFF_ENGINE_ANSWERED);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(entries[1].entry.value, 0x400003b3u);
  EXPECT_EQ(entries[1].entry.at, 0x2000u);
}

TEST(EptdiffEngineTest, EntriesAreTakenApart) {
  OnePage one;
  one.machine.secondary |= 1u << 22;  // MBEC
  Handle c = Create(one.machine, FlatOf(one.image), 0);
  eptdiff_engine_entry entry = {};
  entry.size = sizeof(entry);
  const auto decode = [&](std::uint64_t value, unsigned level) {
    ASSERT_EQ(eptdiff_engine_decode_entry(c.get(), value, level, &entry), 0);
    EXPECT_EQ(entry.value, value);
    EXPECT_EQ(entry.level, level);
  };

  decode(0x40001107, 2);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_TABLE);
  EXPECT_EQ(entry.address, 0x40001000u);
  EXPECT_EQ(entry.page_shift, 0);
  EXPECT_EQ(entry.execute_for_user, 0);
  EXPECT_EQ(entry.memory_type, -1);
  EXPECT_EQ(entry.ignore_pat, -1);
  EXPECT_EQ(entry.accessed, 1);
  EXPECT_EQ(entry.dirty, -1);

  decode(0x400006b5 | 0x40, 2);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_LEAF);
  EXPECT_EQ(entry.address, 0x40000000u);
  EXPECT_EQ(entry.page_shift, 21);
  EXPECT_EQ(entry.read, 1);
  EXPECT_EQ(entry.write, 0);
  EXPECT_EQ(entry.execute, 1);
  EXPECT_EQ(entry.execute_for_user, 1);
  EXPECT_EQ(entry.memory_type, 6);
  EXPECT_EQ(entry.ignore_pat, 1);
  EXPECT_EQ(entry.accessed, 0);
  EXPECT_EQ(entry.dirty, 1);

  decode(0x40001032, 1);  // written, not read
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_MISCONFIGURED);
  EXPECT_EQ(entry.page_shift, 12);
  decode(0x400000f0, 1);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_NOT_PRESENT);
  EXPECT_EQ(entry.address, 0u);
  EXPECT_EQ(entry.memory_type, -1);

  one.machine.secondary &= ~(1u << 22);
  one.machine.eptp = 0x101e;
  Handle plain = Create(one.machine, FlatOf(one.image), 0);
  ASSERT_EQ(eptdiff_engine_decode_entry(plain.get(), 0x400006b5, 2, &entry), 0);
  EXPECT_EQ(entry.execute_for_user, -1);
  EXPECT_EQ(entry.accessed, -1);
  EXPECT_EQ(entry.dirty, -1);
}

TEST(EptdiffEngineTest, QualificationsAreTakenApart) {
  eptdiff_engine_qualification fields = {};
  fields.size = sizeof(fields);
  ASSERT_EQ(eptdiff_engine_decode_qualification(0x1ea, 0, &fields), 0);
  EXPECT_EQ(fields.write, 1);
  EXPECT_EQ(fields.readable, 1);
  EXPECT_EQ(fields.user_executable, -1);
  EXPECT_EQ(fields.to_translation, 1);
  EXPECT_EQ(fields.user_mode_address, -1);
  ASSERT_EQ(
      eptdiff_engine_decode_qualification(
          0x5ea, EPTDIFF_ENGINE_MBEC | EPTDIFF_ENGINE_ADVANCED_INFORMATION,
          &fields),
      0);
  EXPECT_EQ(fields.user_executable, 1);
  EXPECT_EQ(fields.user_mode_address, 0);
  EXPECT_EQ(fields.read_write_page, 1);
  EXPECT_EQ(eptdiff_engine_decode_qualification(0, 16, &fields),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
}

TEST(EptdiffEngineTest, WhatIsKeptEndsAtInveptAndAtAReset) {
  OnePage one;
  one.image[0x1000 / 8] |= 0x100;
  one.image[0x2000 / 8] |= 0x300;
  Handle c = Create(one.machine, FlatOf(one.image), 64);
  const auto where = [&] {
    eptdiff_engine_translation page = {};
    eptdiff_engine_translate(c.get(), 0x1234, EPTDIFF_ENGINE_USE_READ, 0,
                             &page);
    return page.address;
  };
  EXPECT_EQ(where(), 0x40001234u);
  one.image[0x2000 / 8] += 0x40000000;
  EXPECT_EQ(where(), 0x40001234u);
  EXPECT_EQ(eptdiff_engine_invept(c.get(), 3, 0, &one.event), 0);
  EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_INVALID_OPERAND);
  EXPECT_EQ(where(), 0x40001234u);
  EXPECT_EQ(eptdiff_engine_invept(c.get(), 2, 0, &one.event), 0);
  EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED);
  EXPECT_EQ(where(), 0x80001234u);
  one.image[0x2000 / 8] += 0x40000000;
  EXPECT_EQ(where(), 0x80001234u);
  eptdiff_engine_clear_cache(c.get());
  EXPECT_EQ(where(), 0xc0001234u);
}

TEST(EptdiffEngineTest, VmEntryIsAskedAndRefused) {
  OnePage one;
  for (const std::uint64_t pages : {0, 64}) {
    Handle c = Create(one.machine, FlatOf(one.image), pages);
    eptdiff_engine_machine wrong = one.machine;
    wrong.eptp = 0x1057;  // a reserved memory type
    ASSERT_EQ(eptdiff_engine_enter(c.get(), &wrong, &one.event), 0);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_VM_ENTRY_FAILURE);
    EXPECT_NE(one.event.failed_check, 0u);
    eptdiff_engine_machine now = one.machine;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(now.eptp, 0x105eu);

    eptdiff_engine_machine moved = one.machine;
    moved.eptp = 0x105e;
    moved.vpid = 2;
    moved.maxphyaddr = 40;
    moved.secondary |= 0x80;  // unrestricted guest
    moved.rflags = 2;
    moved.cr0 = 0x31;
    moved.cr4 = 0x2000;
    ASSERT_EQ(eptdiff_engine_enter(c.get(), &moved, &one.event), 0);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED)
        << one.event.failed_check;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(now.vpid, 2);
    EXPECT_EQ(now.maxphyaddr, 40);
  }
}

TEST(EptdiffEngineTest, AMachineComesBackAsItWent) {
  OnePage one;
  eptdiff_engine_machine all;
  // Every byte its own, but for what has a range or is a flag.
  auto* bytes = reinterpret_cast<unsigned char*>(&all);
  for (std::size_t i = 0; i < sizeof(all); ++i) {
    bytes[i] = static_cast<unsigned char>(i * 7 + 1);
  }
  all.size = sizeof(all);
  all.cpu = 0x5a5 & 0x7ff;
  all.maxphyaddr = 50;
  all.keyid_bits = 3;
  all.cpl = 2;
  all.cs_l = all.nmi_unblocking = all.busy_shadow_stack = 1;
  all.event_delivery = all.transactional = 0;
  for (auto& byte : all.reserved0) byte = 0;
  for (auto& byte : all.reserved1) byte = 0;
  for (const std::uint64_t pages : {0, 64}) {
    Handle c = Create(one.machine, FlatOf(one.image), pages);
    ASSERT_EQ(eptdiff_engine_set_machine(c.get(), &all), 0);
    eptdiff_engine_machine now = one.machine;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(std::vector<unsigned char>(bytes, bytes + sizeof(all)),
              std::vector<unsigned char>(
                  reinterpret_cast<unsigned char*>(&now),
                  reinterpret_cast<unsigned char*>(&now) + sizeof(now)));
  }
}

TEST(EptdiffEngineTest, SaysWhichItIs) {
  EXPECT_EQ(eptdiff_engine_abi(), EPTDIFF_ENGINE_ABI + 0u);
  EXPECT_STRNE(eptdiff_engine_version(), "");
}

}  // namespace
}  // namespace eptdiff
