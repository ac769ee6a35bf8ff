/* Integers, words of the compiler's, arithmetic, errors. */
#ifndef SEATS_LINUX_KERNEL_WORDS_H_
#define SEATS_LINUX_KERNEL_WORDS_H_

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s8 __s8;
typedef s16 __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __le16;
typedef u32 __le32;
typedef u64 __le64;
typedef u64 __aligned_u64 __attribute__((aligned(8)));
typedef unsigned long ulong;
typedef unsigned int uint;
typedef unsigned char uchar;
typedef long ssize_t;
typedef u64 phys_addr_t;
typedef u64 resource_size_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;
typedef unsigned int fmode_t;
typedef int pid_t;
typedef long long loff_t;
typedef s64 ktime_t;
typedef u64 blkcnt_t;
typedef unsigned short umode_t;
typedef unsigned int poll_t, __poll_t;

/* Words of the compiler's, and marks for tools that do not run here. */
#define asmlinkage
#define __user
#define __iomem
#define __rcu
#define __force
#define __bitwise
#define __percpu
#define __init
#define __exit
#define __initdata
#define __ro_after_init
#define __read_mostly
#define __must_check
#define __maybe_unused __attribute__((unused))
#define __always_unused __attribute__((unused))
#define __used __attribute__((used))
#define __visible
#define __cold
#define __weak __attribute__((weak))
#define __packed __attribute__((packed))
#define __aligned(bytes) __attribute__((aligned(bytes)))
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define noinline_for_stack noinline
#define noinstr
#define notrace
#define __flatten
#define __noreturn __attribute__((noreturn))
#define __printf(a, b)
#define __acquires(lock)
#define __releases(lock)
#define __acquire(lock) ((void)0)
#define __release(lock) ((void)0)
#define __must_hold(lock)
#define __counted_by(member)
#define __counted_by_ptr(member)
#define __ADDRESSABLE(symbol)
#define __nonstring
#define __cacheline_aligned
#define ____cacheline_aligned
#define ____cacheline_aligned_in_smp
#define fallthrough __attribute__((fallthrough))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define barrier() __asm__ __volatile__("" ::: "memory")
#define unreachable() __builtin_unreachable()
#define READ_ONCE(place) (*(const volatile __typeof__(place)*)&(place))
#define WRITE_ONCE(place, value) \
  (*(volatile __typeof__(place)*)&(place) = (value))
#define ACCESS_ONCE(place) (*(volatile __typeof__(place)*)&(place))
#define typeof_member(type, member) __typeof__(((type*)0)->member)
#define sizeof_field(type, member) sizeof(((type*)0)->member)
#define offsetofend(type, member) \
  (offsetof(type, member) + sizeof_field(type, member))
#define container_of(pointer, type, member) \
  ((type*)((char*)(pointer) - offsetof(type, member)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BUILD_BUG_ON(condition) ((void)sizeof(char[1 - 2 * !!(condition)]))
#define BUILD_BUG_ON_MSG(condition, message) BUILD_BUG_ON(condition)
#define BUILD_BUG_ON_ZERO(condition) \
  ((int)sizeof(char[1 - 2 * !!(condition)]) - 1)
#define BUILD_BUG_ON_INVALID(expression) ((void)sizeof((long)(expression)))
#define BUILD_BUG() ((void)0)
#define static_assert(condition, ...) _Static_assert(condition, "" __VA_ARGS__)
#define __stringify_1(x...) #x
#define __stringify(x...) __stringify_1(x)
#define __PASTE_1(a, b) a##b
#define __PASTE(a, b) __PASTE_1(a, b)
#define __UNIQUE_ID(prefix) __PASTE(prefix, __COUNTER__)
#define __is_constexpr(x) __builtin_constant_p(x)
#define __DECLARE_FLEX_ARRAY(type, name) \
  struct {                               \
    struct {                             \
    } __empty_##name;                    \
    type name[];                         \
  }
#define DECLARE_FLEX_ARRAY(type, name) __DECLARE_FLEX_ARRAY(type, name)
#define __struct_group(tag, name, attrs, members...) \
  union {                                            \
    struct {                                         \
      members                                        \
    } attrs;                                         \
    struct tag {                                     \
      members                                        \
    } attrs name;                                    \
  }
#define struct_group(name, members...) __struct_group(, name, , members)
#define struct_group_tagged(tag, name, members...) \
  __struct_group(tag, name, , members)
#define TYPEOF_UNQUAL __typeof__
#define __auto_type_or(x) __auto_type
#define __cleanup(function) __attribute__((cleanup(function)))
#define data_race(expression) (expression)
#define cmpxchg64_relaxed cmpxchg64

#define _IO(type, number) ((type) << 8 | (number))
#define _IOR(type, number, what) _IO(type, number)
#define _IOW(type, number, what) _IO(type, number)
#define _IOWR(type, number, what) _IO(type, number)

#define min(a, b)                                 \
  ({                                              \
    __typeof__(a) min_a = (a);                    \
    __typeof__(b) min_b = (b);                    \
    min_a < min_b ? min_a : (__typeof__(a))min_b; \
  })
#define max(a, b)                                 \
  ({                                              \
    __typeof__(a) max_a = (a);                    \
    __typeof__(b) max_b = (b);                    \
    max_a > max_b ? max_a : (__typeof__(a))max_b; \
  })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define min3(a, b, c) min(min(a, b), c)
#define max3(a, b, c) max(max(a, b), c)
#define clamp(value, low, high) min(max(value, low), high)
#define clamp_val(value, low, high) clamp(value, low, high)
#define clamp_t(type, value, low, high) \
  clamp((type)(value), (type)(low), (type)(high))
#define swap(a, b)              \
  do {                          \
    __typeof__(a) swap_a = (a); \
    (a) = (b);                  \
    (b) = swap_a;               \
  } while (0)
#define abs(x) ((x) < 0 ? -(x) : (x))
#define DIV_ROUND_UP(a, b) (((a) + (b) - 1) / (b))
#define round_up(a, b) ((((a) - 1) | ((__typeof__(a))(b) - 1)) + 1)
#define round_down(a, b) ((a) & ~((__typeof__(a))(b) - 1))
#define roundup(a, b) ((((a) + (b) - 1) / (b)) * (b))
#define rounddown(a, b) ((a) - (a) % (b))
#define ALIGN(a, b) round_up(a, b)
#define ALIGN_DOWN(a, b) round_down(a, b)
#define IS_ALIGNED(a, b) (((a) & ((__typeof__(a))(b) - 1)) == 0)
#define PTR_ALIGN(p, b) ((__typeof__(p))ALIGN((unsigned long)(p), b))
#define do_div(number, base)             \
  ({                                     \
    u32 do_div_rest = (number) % (base); \
    (number) /= (base);                  \
    do_div_rest;                         \
  })
#define upper_32_bits(x) ((u32)((x) >> 32))
#define lower_32_bits(x) ((u32)(x))
#define struct_size(pointer, member, count) \
  (sizeof(*(pointer)) + (count) * sizeof((pointer)->member[0]))
#define array_size(a, b) ((a) * (b))
#define check_add_overflow __builtin_add_overflow
#define check_mul_overflow __builtin_mul_overflow
#define array_index_nospec(index, size) (index)

#define U8_MAX 0xffu
#define U16_MAX 0xffffu
#define U32_MAX 0xffffffffu
#define U64_MAX 0xffffffffffffffffull
#define S32_MAX 0x7fffffff
#define S64_MAX 0x7fffffffffffffffll
#define INT_MAX 0x7fffffff
#define UINT_MAX 0xffffffffu
#define LONG_MAX 0x7fffffffffffffffl
#define ULONG_MAX 0xfffffffffffffffful
#define SHRT_MAX 0x7fff
#define USHRT_MAX 0xffff

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define E2BIG 7
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOTTY 25
#define ENOSPC 28
#define ERANGE 34
#define ENOSYS 38
#define ENOTSUPP 524
#define EOPNOTSUPP 95
#define EHWPOISON 133
#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)
#define ERR_PTR(error) ((void*)(long)(error))
#define PTR_ERR(pointer) ((long)(pointer))
#define IS_ERR(pointer) IS_ERR_VALUE(pointer)
#define IS_ERR_OR_NULL(pointer) (!(pointer) || IS_ERR(pointer))
#define ERR_CAST(pointer) ((void*)(pointer))
#define ASSERT_STRUCT_OFFSET(type, member, value) \
  BUILD_BUG_ON(offsetof(type, member) != (value))

#endif /* SEATS_LINUX_KERNEL_WORDS_H_ */
