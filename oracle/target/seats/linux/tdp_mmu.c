/* The seat of KVM's TDP MMU, which builds the EPT of its guests.
 *
 * Judged: mmu/tdp_mmu.c, mmu/tdp_iter.c and mmu/spte.c, all of them, by the
 * functions of mmu/mmu.c through which the rest of KVM comes to them: a page is
 * faulted in (kvm_tdp_mmu_map(), with kvm_mmu_hugepage_adjust()), or made
 * writable by a fault without a lock (fast_page_fault()), unmapped by a notifier
 * (kvm_unmap_gfn_range()), write-protected (kvm_mmu_slot_gfn_write_protect()),
 * split into smaller ones (kvm_mmu_try_split_huge_pages()), has its accessed or dirty flag cleared (kvm_age_gfn(),
 * kvm_mmu_slot_leaf_clear_dirty()). With accessed and dirty flags, and without:
 * then KVM takes the rights from an entry that it ages, and keeps them in it.
 * The guest runs meanwhile.
 *
 * INVEPT is put off in KVM until whoever asked for a change calls
 * kvm_flush_remote_tlbs(). Where the caller is none of these files, the calls
 * stand here as they are in virt/kvm/kvm_main.c (__kvm_handle_hva_range()) and
 * x86.c (kvm_mmu_slot_apply_flags()); what is asked is whether what KVM's
 * functions say of the need for it is right. Tables are freed at the end of an
 * RCU grace period: here that is the moment at which the last reader has left,
 * the first at which it may be.
 *
 * Entries that map nothing carry data in KVM: bit 63, a number while they are
 * changed, the rights of a page that is aged; and misconfigurations with a
 * generation stand for devices: each 4-KByte page that is unmapped becomes one,
 * as if the guest had accessed it.
 *
 * Stubbed: tables.h, and below: frames come from eptdiff; the host's page tables
 * say that a page may be as large as is asked; no page is a device's, or one that
 * shadow tables are of; the memory type is the one that is asked for, since
 * vmx_get_mt_mask() has it from elsewhere; remote flushes are INVEPT.
 *
 * Not judged: tables that are empty, which KVM keeps; INVEPT where none is
 * needed; pages that are gone more than was asked, since the guest's next access
 * brings them back: a large page goes whole, and one whose type or address
 * changes goes before. Large pages that are put together again
 * (kvm_tdp_mmu_recover_huge_pages()), the work-around for large pages that can
 * be executed, several address spaces, TDX's mirrors. */
#include "mmu/mmu.c"
#include "oracle/target/eptdiff_stores.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define CAP_EXECUTE_ONLY 1u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define ADDRESS 0x000ffffffffff000ull
#define MEMORY_TYPE 0x78 /* with "ignore PAT" */
#define RIGHTS 7u
#define LARGE 0x80u
#define EPTP_FLAGS 0x40u /* accessed and dirty flags */
/* Tables that a page may need below the root; KVM keeps more at hand. */
#define RESERVE 3

void abort(void);
char* getenv(const char*);
int dprintf(int, const char*, ...);

void seat_bug(const char* file, int line) {
  dprintf(2, "%s:%d: an assertion of KVM's\n", file, line);
  abort();
}

static struct kvm seat_kvm;
static struct kvm_vcpu seat_vcpu;
static struct kvm_memslots seat_slots;
static u64 seat_eptp;
static bool seat_mapped_anything;
static bool seat_no_frames; /* an allocation has failed */

/* ------------------------------------------------------------------- frames */

struct page {
  u64 frame; /* its number */
  unsigned long private;
};

static struct page seat_pages[EPTDIFF_STORES_FRAMES];
static struct page seat_guest_page; /* any other */
static u64* seat_reserve[RESERVE];
static unsigned seat_reserved;

static u64* allocate(void) {
  uint64_t* const frame = eptdiff_stores_allocate();
  unsigned i = 0;
  if (frame == NULL) {
    seat_no_frames = true;
    return NULL;
  }
  while (seat_pages[i].frame != 0) ++i;
  seat_pages[i].frame = eptdiff_stores_address(frame) >> PAGE_SHIFT;
  seat_pages[i].private = 0;
  return (u64*)frame;
}

void free_page(unsigned long address) {
  struct page* const page = virt_to_page((void*)address);
  if (page == &seat_guest_page) BUG();
  page->frame = 0;
  eptdiff_stores_release((void*)address);
}

struct page* pfn_to_page(unsigned long frame) {
  unsigned i;
  for (i = 0; i < ARRAY_SIZE(seat_pages); ++i) {
    if (seat_pages[i].frame == frame) return &seat_pages[i];
  }
  return &seat_guest_page;
}
phys_addr_t __pa(const void* pointer) {
  return eptdiff_stores_address(pointer);
}
void* __va(unsigned long address) { return eptdiff_stores_pointer(address); }
struct page* virt_to_page(const void* pointer) {
  return pfn_to_page(__pa(pointer) >> PAGE_SHIFT);
}
unsigned long page_private(const struct page* page) { return page->private; }
void set_page_private(struct page* page, unsigned long value) {
  page->private = value;
}

static void fill(u64* frame, u64 value) {
  unsigned i;
  for (i = 0; i < 512; ++i) frame[i] = value;
}

unsigned long get_zeroed_page(gfp_t flags) {
  u64* const frame = allocate();
  (void)flags;
  if (frame != NULL) fill(frame, 0);
  return (unsigned long)frame;
}
unsigned long __get_free_page(gfp_t flags) {
  u64* const frame = allocate();
  if (frame != NULL && (flags & __GFP_ZERO) != 0) fill(frame, 0);
  return (unsigned long)frame;
}

/* As mmu_topup_memory_caches(): before a fault, so that it needs none. */
static bool top_up(void) {
  while (seat_reserved < RESERVE) {
    u64* const frame = allocate();
    if (frame == NULL) return false;
    seat_reserve[seat_reserved++] = frame;
  }
  return true;
}
static void give_back(void) {
  while (seat_reserved > 0) {
    free_page((unsigned long)seat_reserve[--seat_reserved]);
  }
}

/* Descriptions of tables. */
static struct {
  bool used;
  struct kvm_mmu_page page;
} seat_headers[2 * EPTDIFF_STORES_FRAMES];

void* kmem_cache_zalloc(struct kmem_cache* cache, gfp_t flags) {
  unsigned i = 0;
  (void)cache;
  (void)flags;
  while (seat_headers[i].used) ++i;
  seat_headers[i].used = true;
  memset(&seat_headers[i].page, 0, sizeof(seat_headers[i].page));
  return &seat_headers[i].page;
}
void* kmem_cache_alloc(struct kmem_cache* cache, gfp_t flags) {
  return kmem_cache_zalloc(cache, flags);
}
void kmem_cache_free(struct kmem_cache* cache, void* object) {
  unsigned i = 0;
  (void)cache;
  while (&seat_headers[i].page != object) ++i;
  seat_headers[i].used = false;
}

void* kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache* cache) {
  u64* frame;
  if (cache != &seat_vcpu.arch.mmu_shadow_page_cache) {
    return kmem_cache_zalloc(0, 0);
  }
  if (seat_reserved == 0) BUG();
  frame = seat_reserve[--seat_reserved];
#ifdef SEAT_HAS_INIT_VALUE
  fill(frame, SHADOW_NONPRESENT_VALUE); /* as kvm_mmu_create() sets it */
#else
  fill(frame, 0);
#endif
  return frame;
}

/* ---------------------------------------------------------------------- RCU */

static unsigned seat_readers;
static struct rcu_head* seat_waiting;

static void run_waiting(void) {
  while (seat_waiting != NULL) {
    struct rcu_head* const head = seat_waiting;
    seat_waiting = head->next;
    head->function(head);
  }
}
void seat_rcu_enter(void) { ++seat_readers; }
void seat_rcu_leave(void) {
  if (--seat_readers == 0) run_waiting();
}
void call_rcu(struct rcu_head* head, void (*function)(struct rcu_head*)) {
  head->function = function;
  head->next = seat_waiting;
  seat_waiting = head;
}

/* -------------------------------------------------- the rest of KVM, and VMX */

static void flush(void) { eptdiff_stores_invept(seat_eptp); }

void kvm_flush_remote_tlbs(struct kvm* kvm) { flush(); }
void kvm_flush_remote_tlbs_range(struct kvm* kvm, gfn_t gfn, u64 pages) {
  flush();
}
void kvm_flush_remote_tlbs_memslot(struct kvm* kvm,
                                   const struct kvm_memory_slot* slot) {
  flush();
}

struct kvm_x86_ops kvm_x86_ops;

static u64 seat_memory_type; /* of the page that is mapped next */
static u8 get_type(struct kvm_vcpu* vcpu, gfn_t gfn, bool is_mmio) {
  return (u8)seat_memory_type;
}
u8 (*seat_call_kvm_x86_get_mt_mask)(struct kvm_vcpu*, gfn_t, bool) = get_type;

/* It is nested guests that have the control for it. */
static bool has_no_smep(struct kvm* kvm) { return false; }
bool (*seat_call_kvm_x86_tdp_has_smep)(struct kvm*) = has_no_smep;

int seat_cpu_has(int feature) { return 0; }

#ifdef SEAT_HAS_WRITE_TRACKING
bool kvm_gfn_is_write_tracked(struct kvm* kvm,
                              const struct kvm_memory_slot* slot, gfn_t gfn) {
  return false;
}
#else
bool kvm_slot_page_track_is_active(struct kvm* kvm,
                                   const struct kvm_memory_slot* slot,
                                   gfn_t gfn, enum kvm_page_track_mode mode) {
  return false;
}
#endif
void mark_page_dirty_in_slot(struct kvm* kvm,
                             const struct kvm_memory_slot* slot, gfn_t gfn) {}
void kvm_set_pfn_dirty(kvm_pfn_t frame) {}
void kvm_set_pfn_accessed(kvm_pfn_t frame) {}
bool pfn_valid(unsigned long frame) { return true; }
bool is_zero_pfn(unsigned long frame) { return false; }
bool PageReserved(const struct page* page) { return false; }

int seat_host_level;
static pgd_t seat_pgd;
static p4d_t seat_p4d;
static pud_t seat_pud;
static pmd_t seat_pmd;
pgd_t* pgd_offset(struct mm_struct* mm, unsigned long at) { return &seat_pgd; }
p4d_t* p4d_offset(pgd_t* pgd, unsigned long at) { return &seat_p4d; }
pud_t* pud_offset(p4d_t* p4d, unsigned long at) { return &seat_pud; }
pmd_t* pmd_offset(pud_t* pud, unsigned long at) { return &seat_pmd; }

/* A slot of memory with these pages, all of which may be large. */
static struct kvm_memory_slot* slot_of(gfn_t gfn, u64 pages) {
  static struct kvm_memory_slot slot;
  slot.base_gfn = gfn;
  slot.npages = pages;
  return &slot;
}
static struct kvm_memory_slot* large_slot_of(gfn_t gfn) {
  static struct kvm_lpage_info large_2m[512];
  static struct kvm_lpage_info large_1g[1];
  const u64 pages = KVM_PAGES_PER_HPAGE(PG_LEVEL_1G);
  struct kvm_memory_slot* const slot = slot_of(gfn & ~(pages - 1), pages);
  slot->arch.lpage_info[0] = large_2m;
  slot->arch.lpage_info[1] = large_1g;
  return slot;
}

/* ---------------------------------------------------------------- operations */

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP) |
      EPTDIFF_OPERATION(EPTDIFF_REMAP) | EPTDIFF_OPERATION(EPTDIFF_PROTECT) |
      EPTDIFF_OPERATION(EPTDIFF_SPLIT) |
      EPTDIFF_OPERATION(EPTDIFF_UNMAP_REGION) |
      EPTDIFF_OPERATION(EPTDIFF_CLEAR_FLAGS);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives =
      EPTDIFF_WAIVES_EMPTY_TABLES | EPTDIFF_WAIVES_NEEDLESS_INVEPT |
      EPTDIFF_WAIVES_REPEATED_INVEPT | EPTDIFF_WAIVES_BREAK_BEFORE_MAKE |
      EPTDIFF_WAIVES_LOSSY_TABLES;
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  profile->any_unused_word = 1;
  profile->leaf_flags = 2 | MEMORY_TYPE; /* may it be written? */
  profile->always_flags = 5;
  profile->min_maxphyaddr = 48; /* KVM maps nothing above it, of either kind */
  profile->trap_mask = RIGHTS; /* devices: VMX_EPT_MISCONFIG_WX_VALUE */
  profile->trap_value = 6;
  memcpy(profile->name, "kvm_tdp_mmu", 12);
}

/* As kvm_configure_mmu()'s callers and kvm_mmu_init_vm() have it. */
static void create_vm(const eptdiff_question* machine) {
  const bool large = (machine->ept_vpid_cap & CAP_2_MBYTE) != 0;
  const bool larger = large && (machine->ept_vpid_cap & CAP_1_GBYTE) != 0;
  unsigned i;
  memset(&seat_kvm, 0, sizeof(seat_kvm));
  memset(&seat_vcpu, 0, sizeof(seat_vcpu));
  memset(&seat_slots, 0, sizeof(seat_slots));
  boot_cpu_data.x86_phys_bits = machine->maxphyaddr;
  kvm_mmu_spte_module_init();
  nx_huge_pages = 0; /* the work-around is off, as it is on newer processors */
#ifdef SEAT_HAS_TDP_MMU_ALLOWED
  tdp_mmu_allowed = true;
#endif
  kvm_configure_mmu(true, 0, 4,
                    larger  ? PG_LEVEL_1G
                    : large ? PG_LEVEL_2M
                            : PG_LEVEL_4K);
  kvm_mmu_reset_all_pte_masks();
#ifdef SEAT_HAS_EXECUTE_ONLY_MASKS
  kvm_mmu_set_ept_masks((machine->eptp & EPTP_FLAGS) != 0,
                        (machine->ept_vpid_cap & CAP_EXECUTE_ONLY) != 0);
#else
  kvm_mmu_set_ept_masks((machine->eptp & EPTP_FLAGS) != 0);
#endif
#ifdef SEAT_HAS_MMIO_VALUE_OF_VM
  seat_kvm.arch.shadow_mmio_value = shadow_mmio_value;
#endif
  kvm_x86_ops.get_mt_mask = get_type;
  seat_kvm.arch.n_max_mmu_pages = 1ul << 20;
#ifdef SEAT_HAS_HASH_BY_POINTER
  static struct hlist_head hash[KVM_NUM_MMU_PAGES]; /* of shadow tables: none */
  seat_kvm.arch.mmu_page_hash = hash;
#endif
  for (i = 0; i < ARRAY_SIZE(seat_kvm.memslots); ++i) {
    seat_kvm.memslots[i] = &seat_slots;
  }
  kvm_mmu_init_tdp_mmu(&seat_kvm);
}

/* As kvm_mmu_load() has it. */
static void create_vcpu(const eptdiff_question* machine) {
  const union kvm_cpu_role none = {0};
  seat_vcpu.kvm = &seat_kvm;
  seat_vcpu.arch.maxphyaddr = machine->maxphyaddr;
  seat_vcpu.arch.reserved_gpa_bits = rsvd_bits(machine->maxphyaddr, 63);
  seat_vcpu.arch.mmu = &seat_vcpu.arch.root_mmu;
  seat_vcpu.arch.mmu->root.hpa = INVALID_PAGE;
  init_kvm_tdp_mmu(&seat_vcpu, none);
  mmu_alloc_direct_roots(&seat_vcpu);
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* host, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  eptdiff_stores_begin(host);
  memset(seat_pages, 0, sizeof(seat_pages));
  memset(seat_headers, 0, sizeof(seat_headers));
  seat_reserved = 0;
  seat_readers = 0;
  seat_waiting = NULL;
  seat_mapped_anything = false;
  create_vm(machine);
  /* The root is to be the first frame that is allocated, and at hand. */
  seat_reserve[seat_reserved] = allocate();
  if (seat_reserve[seat_reserved] == NULL) return EPTDIFF_NO_FRAMES;
  ++seat_reserved;
  create_vcpu(machine);
  eptdiff_stores_settle();
  seat_eptp = (machine->eptp & ~ADDRESS) | seat_vcpu.arch.mmu->root.hpa;
  *eptp = seat_eptp;
  return EPTDIFF_DONE;
}

/* The entry that maps an address, and its level; 0: none does. */
static u64 entry_of(gfn_t gfn, int* level) {
  u64 table = seat_eptp & ADDRESS;
  for (*level = 4;; --*level) {
    const uint64_t* const entries = eptdiff_stores_pointer(table);
    const u64 entry = entries[gfn >> 9 * (*level - 1) & 511];
    if (!is_shadow_present_pte(entry)) return 0;
    if (*level == 1 || (entry & LARGE) != 0) return entry;
    table = entry & ADDRESS;
  }
}

static struct kvm_page_fault fault_of(gfn_t gfn, kvm_pfn_t frame,
                                      bool is_writable,
                                      struct kvm_memory_slot* slot) {
  struct kvm_page_fault fault = {
      .addr = gfn << PAGE_SHIFT,
      .error_code = is_writable ? PFERR_WRITE_MASK : 0,
      .write = is_writable,
      .present = true,
      .is_tdp = true,
      .max_level = KVM_MAX_HUGEPAGE_LEVEL,
      .req_level = PG_LEVEL_4K,
      .goal_level = PG_LEVEL_4K,
      .gfn = gfn,
      .slot = slot,
      .pfn = frame,
      .map_writable = is_writable,
  };
  return fault;
}

/* As direct_page_fault(), when it has found the frame. */
static int handle(struct kvm_page_fault* fault, int host_level) {
  int result;
  seat_host_level = host_level;
  if (!top_up()) return EPTDIFF_NO_FRAMES;
  do {
    read_lock(&seat_kvm.mmu_lock);
    result = kvm_tdp_mmu_map(&seat_vcpu, fault);
    read_unlock(&seat_kvm.mmu_lock);
  } while (result == RET_PF_RETRY && top_up());
  return result == RET_PF_RETRY ? EPTDIFF_NO_FRAMES : EPTDIFF_DONE;
}

/* The guest accesses a page, which the host has mapped by one of such a size. */
static int map(gfn_t gfn, u64 address, int level, u64 flags) {
  struct kvm_page_fault fault = fault_of(
      gfn, address >> PAGE_SHIFT, (flags & 2) != 0, large_slot_of(gfn));
  seat_mapped_anything = true;
  seat_memory_type = flags & MEMORY_TYPE;
  return handle(&fault, level);
}

/* The guest accesses a device. */
static int map_device(gfn_t gfn) {
  struct kvm_page_fault fault = fault_of(gfn, KVM_PFN_NOSLOT, false, NULL);
  return handle(&fault, PG_LEVEL_4K);
}

/* As __kvm_handle_hva_range() of virt/kvm/kvm_main.c, for what a notifier says of
 * the host's pages. */
static void unmap(gfn_t gfn, u64 pages) {
  struct kvm_gfn_range range = {
      .slot = slot_of(gfn, pages),
      .start = gfn,
      .end = gfn + pages,
      .may_block = true,
#ifdef SEAT_HAS_ATTRIBUTE_FILTER
      .attr_filter = KVM_FILTER_SHARED | KVM_FILTER_PRIVATE,
#endif
  };
  write_lock(&seat_kvm.mmu_lock);
  if (kvm_unmap_gfn_range(&seat_kvm, &range)) kvm_flush_remote_tlbs(&seat_kvm);
  write_unlock(&seat_kvm.mmu_lock);
}

static void write_protect(gfn_t gfn, int level) {
  struct kvm_memory_slot* const slot =
      slot_of(gfn, KVM_PAGES_PER_HPAGE(level));
  write_lock(&seat_kvm.mmu_lock);
  if (kvm_mmu_slot_gfn_write_protect(&seat_kvm, slot, gfn, PG_LEVEL_4K)) {
    kvm_flush_remote_tlbs(&seat_kvm);
  }
  write_unlock(&seat_kvm.mmu_lock);
}

static int protect(gfn_t gfn, u64 entry, int level, u64 flags) {
  struct kvm_page_fault fault = fault_of(gfn, 0, true, large_slot_of(gfn));
  /* KVM has no way to change the type of a page but to unmap it. */
  if ((entry & MEMORY_TYPE) != (flags & MEMORY_TYPE)) return EPTDIFF_DECLINED;
  if ((flags & 2) == 0) {
    write_protect(gfn, level);
    return EPTDIFF_DONE;
  }
  if (fast_page_fault(&seat_vcpu, &fault) != RET_PF_INVALID) {
    return EPTDIFF_DONE;
  }
  return map(gfn, entry & ADDRESS, level, flags);
}

/* As kvm_mmu_slot_apply_flags() does where the log of dirty pages is turned on.
 * With EPTDIFF_SEAT_SPLIT_BY_FAULT in the environment: by a fault for its first
 * part, after which KVM flushes nothing. (6.1 unmaps the large page then.) */
static int split(gfn_t gfn, u64 entry, int level) {
  const u64 pages = KVM_PAGES_PER_HPAGE(level);
#ifdef SEAT_HAS_SPLIT_BY_FAULT
  if (getenv("EPTDIFF_SEAT_SPLIT_BY_FAULT") != 0) {
    return map(gfn, entry & ADDRESS, level - 1, entry & (2 | MEMORY_TYPE));
  }
#endif
  seat_no_frames = false;
  write_lock(&seat_kvm.mmu_lock);
  kvm_mmu_try_split_huge_pages(&seat_kvm, slot_of(gfn, pages), gfn, gfn + pages,
                               level - 1);
  write_unlock(&seat_kvm.mmu_lock);
  kvm_flush_remote_tlbs_memslot(&seat_kvm, slot_of(gfn, pages));
  return seat_no_frames ? EPTDIFF_NO_FRAMES : EPTDIFF_DONE;
}

static int clear_flags(gfn_t gfn, u64 pages, u64 flags) {
  struct kvm_memory_slot* const slot = slot_of(gfn, pages);
  struct kvm_gfn_range range = {
      .slot = slot, .start = gfn, .end = gfn + pages, .may_block = true};
  /* Without dirty flags KVM write-protects, which is another operation. */
  if ((seat_eptp & EPTP_FLAGS) == 0) return EPTDIFF_DECLINED;
  if ((flags & shadow_dirty_mask) != 0) {
    kvm_mmu_slot_leaf_clear_dirty(&seat_kvm, slot);
    kvm_flush_remote_tlbs_memslot(&seat_kvm, slot);
  }
  if ((flags & shadow_accessed_mask) != 0) {
    write_lock(&seat_kvm.mmu_lock);
    if (kvm_age_gfn(&seat_kvm, &range)) kvm_flush_remote_tlbs(&seat_kvm);
    write_unlock(&seat_kvm.mmu_lock);
  }
  return EPTDIFF_DONE;
}

static int perform(const eptdiff_builder_operation* operation) {
  const gfn_t gfn = operation->gpa >> PAGE_SHIFT;
  const u64 pages = operation->bytes >> PAGE_SHIFT;
  int level;
  u64 entry;
  switch (operation->kind) {
    case EPTDIFF_MAP:
      return map(gfn, operation->hpa, operation->level, operation->flags);
    case EPTDIFF_UNMAP_REGION:
      unmap(gfn, pages);
      return EPTDIFF_DONE;
    case EPTDIFF_CLEAR_FLAGS:
      return clear_flags(gfn, pages, operation->flags);
  }
  entry = entry_of(gfn, &level);
  if (entry == 0) return EPTDIFF_NOT_MAPPED;
  switch (operation->kind) {
    case EPTDIFF_UNMAP:
      unmap(gfn, KVM_PAGES_PER_HPAGE(level));
      /* Where there is a table for it already, a device. */
      return level == PG_LEVEL_4K ? map_device(gfn) : EPTDIFF_DONE;
    case EPTDIFF_REMAP:
      unmap(gfn, KVM_PAGES_PER_HPAGE(level));
      return map(gfn, operation->hpa, level, operation->flags);
    case EPTDIFF_PROTECT:
      return protect(gfn, entry, level, operation->flags);
    case EPTDIFF_SPLIT:
      return split(gfn, entry, level);
  }
  return EPTDIFF_DECLINED;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  const int result = perform(operation);
  give_back();
  eptdiff_stores_settle();
  return result;
}

/* In eptdiff_builder_destroy() alone. KVM destroys tables without INVEPT, since
 * no processor runs the guest any more: each executes INVEPT before it uses that
 * EPTP for another one. */
void rcu_barrier(void) {
  if (seat_mapped_anything) flush();
  run_waiting();
}

void eptdiff_builder_destroy(void) {
  struct kvm_mmu_page* const root = to_shadow_page(seat_vcpu.arch.mmu->root.hpa);
  ++seat_readers; /* nothing is freed before */
#ifdef SEAT_HAS_SHARED_PUT_ROOT
  kvm_tdp_mmu_put_root(&seat_kvm, root, false);
#else
  kvm_tdp_mmu_put_root(&seat_kvm, root);
#endif
  kvm_mmu_uninit_tdp_mmu(&seat_kvm);
  --seat_readers;
}

const void* const seat_entry[] = {
    eptdiff_builder_describe, eptdiff_builder_create, eptdiff_builder_perform,
    eptdiff_builder_destroy, &eptdiff_builder_abi};
