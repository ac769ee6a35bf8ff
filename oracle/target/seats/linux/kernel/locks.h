/* One thread asks at a time: locks are empty, what is deferred never runs. */
#ifndef SEATS_LINUX_KERNEL_LOCKS_H_
#define SEATS_LINUX_KERNEL_LOCKS_H_

typedef struct {
  int counter;
} atomic_t;
typedef struct {
  s64 counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;
typedef atomic_t refcount_t;
#define ATOMIC_INIT(value) {value}
#define ATOMIC64_INIT(value) {value}
#define atomic_read(a) ((a)->counter)
#define atomic_set(a, value) ((void)((a)->counter = (value)))
#define atomic_inc(a) ((void)++(a)->counter)
#define atomic_dec(a) ((void)--(a)->counter)
#define atomic_add(n, a) ((void)((a)->counter += (n)))
#define atomic_sub(n, a) ((void)((a)->counter -= (n)))
#define atomic_inc_return(a) (++(a)->counter)
#define atomic_dec_and_test(a) (--(a)->counter == 0)
#define atomic_read_acquire atomic_read
#define atomic_set_release atomic_set
#define atomic64_read atomic_read
#define atomic64_set atomic_set
#define atomic64_inc atomic_inc
#define atomic64_add atomic_add
#define atomic64_sub atomic_sub
#define atomic64_dec atomic_dec
#define atomic_long_read atomic_read
#define refcount_read atomic_read
#define refcount_set atomic_set
#define refcount_inc atomic_inc
#define refcount_inc_not_zero(a) ((a)->counter != 0 && ++(a)->counter != 0)
#define refcount_dec_and_test atomic_dec_and_test
#define atomic_cmpxchg(a, old, new) cmpxchg(&(a)->counter, old, new)

/* In one step also for what looks on (tables.h). */
#define xchg(place, value) \
  __atomic_exchange_n(place, (__typeof__(*(place)))(value), __ATOMIC_SEQ_CST)
#define cmpxchg(place, old, new)                                               \
  ({                                                                           \
    __typeof__(*(place)) cmpxchg_was = (old);                                  \
    __atomic_compare_exchange_n(place, &cmpxchg_was, new, 0, __ATOMIC_SEQ_CST, \
                                __ATOMIC_SEQ_CST);                             \
    cmpxchg_was;                                                               \
  })
#define try_cmpxchg(place, old, new)                                \
  __atomic_compare_exchange_n(place, old, new, 0, __ATOMIC_SEQ_CST, \
                              __ATOMIC_SEQ_CST)
#define atomic64_fetch_and(mask, a) \
  __atomic_fetch_and(&(a)->counter, mask, __ATOMIC_SEQ_CST)
#define cmpxchg64 cmpxchg
#define try_cmpxchg64 try_cmpxchg
#define xchg64 xchg
#define cpu_relax() barrier()
#define smp_mb() barrier()
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define smp_mb__after_srcu_read_unlock() barrier()
#define smp_mb__after_srcu_read_lock() barrier()
#define smp_mb__after_atomic() barrier()
#define smp_mb__before_atomic() barrier()
#define smp_store_mb(place, value) WRITE_ONCE(place, value)
#define smp_store_release(place, value) WRITE_ONCE(*(place), value)
#define smp_load_acquire(place) READ_ONCE(*(place))

typedef struct {
  int held;
} spinlock_t, raw_spinlock_t, rwlock_t, seqcount_t, seqcount_spinlock_t,
    seqcount_raw_spinlock_t, seqcount_mutex_t, seqlock_t, arch_spinlock_t;
struct mutex {
  int held;
};
struct rw_semaphore {
  int held;
};
struct srcu_struct {
  int held;
};
struct lock_class_key {
  int nothing;
};
struct lockdep_map {
  int nothing;
};
#define SEAT_LOCK(name) \
  static inline void name(void* lock) { (void)lock; }
SEAT_LOCK(spin_lock)
SEAT_LOCK(spin_unlock)
SEAT_LOCK(spin_lock_irq)
SEAT_LOCK(spin_unlock_irq)
SEAT_LOCK(raw_spin_lock)
SEAT_LOCK(raw_spin_unlock)
SEAT_LOCK(read_lock)
SEAT_LOCK(read_unlock)
SEAT_LOCK(write_lock)
SEAT_LOCK(write_unlock)
SEAT_LOCK(mutex_lock)
SEAT_LOCK(mutex_unlock)
SEAT_LOCK(mutex_init)
SEAT_LOCK(down_read)
SEAT_LOCK(up_read)
SEAT_LOCK(down_write)
SEAT_LOCK(up_write)
SEAT_LOCK(spin_lock_init)
SEAT_LOCK(raw_spin_lock_init)
SEAT_LOCK(rwlock_init)
#define spin_lock_irqsave(lock, flags) ((void)((flags) = 0))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags))
#define raw_spin_lock_irqsave(lock, flags) ((void)((flags) = 0))
#define raw_spin_unlock_irqrestore(lock, flags) ((void)(flags))
#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))
#define local_irq_disable() ((void)0)
#define local_irq_enable() ((void)0)
#define rwlock_needbreak(lock) 0
#define spin_needbreak(lock) 0
#define need_resched() 0
#define cond_resched() 0
#define cond_resched_rwlock_write(lock) 0
#define cond_resched_rwlock_read(lock) 0
#define preempt_disable() ((void)0)
#define preempt_enable() ((void)0)
#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define rcu_read_lock_held() 1
#define srcu_read_lock(srcu) 0
#define srcu_read_unlock(srcu, index) ((void)(index))
#define srcu_read_lock_held(srcu) 1
#define srcu_dereference(pointer, srcu) (pointer)
#define srcu_dereference_check(pointer, srcu, condition) (pointer)
#define rcu_dereference(pointer) (pointer)
#define rcu_dereference_check(pointer, condition) (pointer)
#define rcu_dereference_protected(pointer, condition) (pointer)
#define rcu_dereference_raw(pointer) (pointer)
#define rcu_assign_pointer(pointer, value) ((pointer) = (value))
#define RCU_INIT_POINTER(pointer, value) ((pointer) = (value))
#define rcu_access_pointer(pointer) (pointer)
#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_held_read(lock) ((void)(lock))
#define lockdep_assert_held_write(lock) ((void)(lock))
#define lockdep_assert_once(condition) ((void)0)
#define lockdep_assert(condition) ((void)0)
#define lockdep_assert_irqs_enabled() ((void)0)
#define lockdep_is_held(lock) 1
#define lockdep_is_held_type(lock, type) 1
#define might_sleep() ((void)0)
#define might_lock(lock) ((void)0)

struct task_struct;
struct wait_queue_head {
  struct list_head head;
};
typedef struct wait_queue_head wait_queue_head_t;
typedef struct wait_queue_entry {
  struct list_head entry;
} wait_queue_entry_t;
struct swait_queue_head {
  struct list_head list;
};
struct rcuwait {
  struct task_struct* task;
};
struct completion {
  int done;
};
struct work_struct {
  void (*function)(struct work_struct*);
};
struct delayed_work {
  struct work_struct work;
};
typedef void (*work_func_t)(struct work_struct*);
struct irq_work {
  void (*function)(struct irq_work*);
};
struct once {
  int done;
};
struct hrtimer {
  void* function;
};
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
struct timer_list {
  void* function;
};
struct kthread_worker;
struct kthread_work {
  void* function;
};
struct notifier_block {
  void* call;
};
struct mmu_notifier {
  void* ops;
};
struct static_key {
  int enabled;
};
struct static_key_true {
  struct static_key key;
};
struct static_key_false {
  struct static_key key;
};
struct static_key_false_deferred {
  struct static_key_false key;
};
#define DEFINE_STATIC_KEY_FALSE(name) struct static_key_false name
#define DEFINE_STATIC_KEY_TRUE(name) struct static_key_true name = {{1}}
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name
#define DECLARE_STATIC_KEY_TRUE(name) extern struct static_key_true name
#define static_branch_likely(k) ((k)->key.enabled != 0)
#define static_branch_unlikely(k) ((k)->key.enabled != 0)
#define static_key_enabled(key) ((key)->enabled != 0)
#define static_key_false(key) ((key)->enabled != 0)
#define static_branch_enable(k) ((k)->key.enabled = 1)
#define static_branch_disable(k) ((k)->key.enabled = 0)

#endif /* SEATS_LINUX_KERNEL_LOCKS_H_ */
