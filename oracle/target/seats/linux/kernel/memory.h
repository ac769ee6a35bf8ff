/* Pages, page tables, allocation; and the memory of a guest, which is the
 * question's (kvm.h). */
#ifndef SEATS_LINUX_KERNEL_MEMORY_H_
#define SEATS_LINUX_KERNEL_MEMORY_H_

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PMD_SHIFT 21
#define PUD_SHIFT 30
#define PMD_SIZE (1UL << PMD_SHIFT)
#define PUD_SIZE (1UL << PUD_SHIFT)
#define PAGE_OFFSET 0x8000000000000000UL
#define offset_in_page(pointer) ((unsigned long)(pointer) & ~PAGE_MASK)
#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x) IS_ALIGNED(x, PAGE_SIZE)
#define PFN_PHYS(frame) ((phys_addr_t)(frame) << PAGE_SHIFT)
#define PHYS_PFN(address) ((unsigned long)((address) >> PAGE_SHIFT))
#define SZ_1K 0x400
#define SZ_4K 0x1000
#define SZ_2M 0x200000
#define SZ_1G 0x40000000
#define GFP_KERNEL 1u
#define GFP_ATOMIC 2u
#define __GFP_ACCOUNT 4u
#define __GFP_ZERO 8u
#define __GFP_NOWARN 16u
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT 0u
#define SLAB_ACCOUNT 0u
#define VM_FAULT_ERROR 1u
#define FOLL_WRITE 1u
#define FOLL_GET 4u
#define FOLL_NOWAIT 32u
#define FOLL_HWPOISON 256u
#define FOLL_INTERRUPTIBLE 0x100000u
#define MAX_PAGE_ORDER 10
#define MAX_ORDER 10
#define PAGE_KERNEL 0
enum pg_level {
  PG_LEVEL_NONE,
  PG_LEVEL_4K,
  PG_LEVEL_2M,
  PG_LEVEL_1G,
  PG_LEVEL_512G,
  PG_LEVEL_256T,
  PG_LEVEL_NUM
};
typedef struct {
  unsigned long pte;
} pte_t;
typedef struct {
  unsigned long pmd;
} pmd_t;
typedef struct {
  unsigned long pud;
} pud_t;
typedef struct {
  unsigned long p4d;
} p4d_t;
typedef struct {
  unsigned long pgd;
} pgd_t;
typedef struct {
  unsigned long pgprot;
} pgprot_t;
typedef unsigned long pteval_t, pmdval_t, pudval_t, pgdval_t;
#define _PAGE_BIT_PKEY_BIT0 59
#define _PAGE_PKEY_MASK (15UL << 59)
#define pte_flags(entry) ((entry).pte & 0xfff0000000000fffUL)
#define pte_flags_pkey(flags) ((u16)((flags) >> 59 & 15))
#define _PAGE_PRESENT 1UL
#define _PAGE_RW 2UL
#define _PAGE_USER 4UL
#define _PAGE_PSE 0x80UL
#define _PAGE_NX (1UL << 63)
struct mm_struct {
  int mm_users;
};
struct page;
struct folio;
struct file;
struct inode;
struct vm_area_struct;
struct vm_fault;
struct kmem_cache;
struct dentry;
struct pid;
struct eventfd_ctx;
struct user_struct;
struct seq_file;
struct shrinker {
  void *count_objects, *scan_objects;
  int seeks, batch;
};
struct shrink_control {
  unsigned long nr_to_scan;
};
struct percpu_counter {
  s64 count;
};
#define SHRINK_STOP (~0UL)
#define DEFAULT_SEEKS 2
void* memset(void*, int, unsigned long);
void* memcpy(void*, const void*, unsigned long);
void* memmove(void*, const void*, unsigned long);
int memcmp(const void*, const void*, unsigned long);
unsigned long strlen(const char*);
void* kmem_cache_alloc(struct kmem_cache*, gfp_t);
void* kmem_cache_zalloc(struct kmem_cache*, gfp_t);
void* kmalloc(size_t, gfp_t);
void* kzalloc(size_t, gfp_t);
void* kcalloc(size_t, size_t, gfp_t);
void* kmalloc_array(size_t, size_t, gfp_t);
void* kvmalloc_array(size_t, size_t, gfp_t);
void* kvcalloc(size_t, size_t, gfp_t);
void* vmalloc(unsigned long);
void* vzalloc(unsigned long);
void* __vmalloc(unsigned long, gfp_t);
void* __va(unsigned long);
void* page_address(struct page*);
void* page_to_virt(struct page*);
struct page* pfn_to_page(unsigned long);
struct page* virt_to_page(const void*);
struct page* alloc_page(gfp_t);
struct kmem_cache* kmem_cache_create();
unsigned long __get_free_page(gfp_t);
unsigned long page_private(const struct page*);
phys_addr_t __pa(const void*);
phys_addr_t virt_to_phys(const void*);
phys_addr_t page_to_phys(struct page*);
unsigned long page_to_pfn(struct page*);

#define __GFP_DMA32 32u
#define KMEM_CACHE(tag, flags) \
  kmem_cache_create(#tag, sizeof(struct tag), 0, flags, 0)
int seat_get_user(const void* address, unsigned bytes, u64* value);
int seat_compare_exchange_user(void* address, unsigned bytes, u64* expected,
                               u64 desired);
#define __get_user(value, pointer)                             \
  ({                                                           \
    u64 user_raw = 0;                                          \
    const int user_result =                                    \
        seat_get_user(pointer, sizeof(*(pointer)), &user_raw); \
    (value) = (__typeof__(value))user_raw;                     \
    user_result;                                               \
  })
#define get_user(value, pointer) __get_user(value, pointer)
#define __try_cmpxchg_user(pointer, expected, desired, label) \
  ({                                                          \
    u64 user_raw = *(expected);                               \
    const int user_result = seat_compare_exchange_user(       \
        pointer, sizeof(*(pointer)), &user_raw, desired);     \
    *(expected) = user_raw;                                   \
    user_result;                                              \
  })
#define try_cmpxchg_user __try_cmpxchg_user
pgd_t* pgd_offset(struct mm_struct*, unsigned long);
p4d_t* p4d_offset(pgd_t*, unsigned long);
pud_t* pud_offset(p4d_t*, unsigned long);
pmd_t* pmd_offset(pud_t*, unsigned long);

#endif /* SEATS_LINUX_KERNEL_MEMORY_H_ */
