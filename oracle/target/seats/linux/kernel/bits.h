/* Bits of words, and arrays of them. */
#ifndef SEATS_LINUX_KERNEL_BITS_H_
#define SEATS_LINUX_KERNEL_BITS_H_

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BITS_PER_TYPE(type) (sizeof(type) * 8)
#define BITS_TO_LONGS(count) (((count) + 63) / 64)
#define UL(x) (x##UL)
#define ULL(x) (x##ULL)
#define _AC(x, suffix) x##suffix
#define _AT(type, x) ((type)(x))
#define _UL(x) (x##UL)
#define _ULL(x) (x##ULL)
#define _BITUL(n) (1UL << (n))
#define _BITULL(n) (1ULL << (n))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define BIT_MASK(n) (1UL << ((n) % 64))
#define BIT_WORD(n) ((n) / 64)
#define GENMASK(high, low) ((~0UL << (low)) & (~0UL >> (63 - (high))))
#define GENMASK_ULL(high, low) ((~0ULL << (low)) & (~0ULL >> (63 - (high))))
#define FIELD_GET(mask, value) (((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) \
  (((__typeof__(mask))(value) << __builtin_ctzll(mask)) & (mask))
#define DECLARE_BITMAP(name, count) unsigned long name[BITS_TO_LONGS(count)]

#define hweight8(x) __builtin_popcount((u8)(x))
#define hweight16(x) __builtin_popcount((u16)(x))
#define hweight32(x) __builtin_popcount((u32)(x))
#define hweight64(x) __builtin_popcountll(x)
#define hweight_long(x) __builtin_popcountl(x)
#define HWEIGHT16(x) hweight16(x)
static inline unsigned long __ffs(unsigned long x) { return __builtin_ctzl(x); }
static inline unsigned long __fls(unsigned long x) {
  return 63 - __builtin_clzl(x);
}
static inline int fls64(u64 x) { return x ? 64 - __builtin_clzll(x) : 0; }
static inline int fls(u32 x) { return x ? 32 - __builtin_clz(x) : 0; }
static inline int ffs(int x) { return __builtin_ffs(x); }
#define ilog2(x) (63 - __builtin_clzll((u64)(x)))
#define order_base_2(x) ((x) > 1 ? ilog2((x) - 1) + 1 : 0)
#define is_power_of_2(x) ((x) != 0 && ((x) & ((x) - 1)) == 0)
#define roundup_pow_of_two(x) (1UL << order_base_2(x))
#define get_order(bytes) order_base_2(((bytes) + 4095) / 4096)
static inline s64 sign_extend64(u64 value, int index) {
  return (s64)(value << (63 - index)) >> (63 - index);
}

static inline bool test_bit(long n, const volatile unsigned long* words) {
  return words[n / 64] >> (n % 64) & 1;
}
static inline void set_bit(long n, volatile unsigned long* words) {
  words[n / 64] |= 1UL << (n % 64);
}
static inline void clear_bit(long n, volatile unsigned long* words) {
  words[n / 64] &= ~(1UL << (n % 64));
}
static inline bool test_and_set_bit(long n, volatile unsigned long* words) {
  const bool was = test_bit(n, words);
  set_bit(n, words);
  return was;
}
static inline bool test_and_clear_bit(long n, volatile unsigned long* words) {
  const bool was = test_bit(n, words);
  clear_bit(n, words);
  return was;
}
#define __set_bit set_bit
#define __clear_bit clear_bit
#define __test_and_set_bit test_and_set_bit
#define __test_and_clear_bit test_and_clear_bit
#define set_bit_le set_bit
#define clear_bit_le clear_bit
#define test_and_set_bit_le test_and_set_bit
#define assign_bit(n, words, value) \
  ((value) ? set_bit(n, words) : clear_bit(n, words))
#define __assign_bit assign_bit
static inline unsigned long find_next_bit(const unsigned long* words,
                                          unsigned long count,
                                          unsigned long from) {
  while (from < count && !test_bit(from, words)) ++from;
  return from < count ? from : count;
}
#define find_first_bit(words, count) find_next_bit(words, count, 0)
#define for_each_set_bit(n, words, count)                   \
  for ((n) = find_next_bit(words, count, 0); (n) < (count); \
       (n) = find_next_bit(words, count, (n) + 1))
#define for_each_set_bit_from(n, words, count)              \
  for ((n) = find_next_bit(words, count, n); (n) < (count); \
       (n) = find_next_bit(words, count, (n) + 1))
#define REPEAT_BYTE(x) (~0ul / 0xff * (x))

#endif /* SEATS_LINUX_KERNEL_BITS_H_ */
