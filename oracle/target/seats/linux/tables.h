/* Before the files of KVM's that build tables: what they need of the kernel
 * beyond what the walkers do. Their stores are announced by the compiler
 * (oracle/target/eptdiff_stores.h); tdp_mmu.c has what is declared here.
 */
#ifndef SEATS_LINUX_TABLES_H_
#define SEATS_LINUX_TABLES_H_

/* What is freed by call_rcu() is so as soon as it may be: when the last reader
 * has left. */
void seat_rcu_enter(void);
void seat_rcu_leave(void);
void call_rcu(struct rcu_head* head, void (*function)(struct rcu_head*));
void rcu_barrier(void);
#undef rcu_read_lock
#undef rcu_read_unlock
#define rcu_read_lock() seat_rcu_enter()
#define rcu_read_unlock() seat_rcu_leave()
static inline int seat_guard_rcu(void) {
  seat_rcu_enter();
  return 0;
}
static inline void seat_end_guard_rcu(int* guard) {
  (void)guard;
  seat_rcu_leave();
}
#define guard(kind) \
  int __UNIQUE_ID(guard_) __cleanup(seat_end_guard_##kind) = seat_guard_##kind

unsigned long get_zeroed_page(gfp_t flags);
void set_page_private(struct page* page, unsigned long value);
void kmem_cache_free(struct kmem_cache* cache, void* object);
void free_page(unsigned long address);
bool pfn_valid(unsigned long frame);
bool is_zero_pfn(unsigned long frame);
bool PageReserved(const struct page* page);
#define mod_lruvec_page_state(page, item, count) ((void)0)

/* The host's own page tables, which KVM looks at to learn how large a page may
 * be: there it is of this level. */
extern int seat_host_level;
#define pgd_none(entry) 0
#define p4d_none(entry) 0
#define p4d_present(entry) 1
#define pud_none(entry) 0
#define pud_present(entry) 1
#define pud_leaf(entry) (seat_host_level == PG_LEVEL_1G)
#define pud_large pud_leaf
#define pmd_none(entry) 0
#define pmd_present(entry) 1
#define pmd_leaf(entry) (seat_host_level == PG_LEVEL_2M)
#define pmd_large pmd_leaf

#endif /* SEATS_LINUX_TABLES_H_ */
