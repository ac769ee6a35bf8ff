/* The functions that -fsanitize=thread makes the compiler call come *before*
 * the store, so the word is kept as it was then, and announced with what it has
 * become at the next call of any kind: `pending` below. Nobody else writes
 * meanwhile. What an entry is made of has been loaded then: this is the moment
 * between load and store, at which processors come in (before_store below). They
 * set accessed and dirty flags only while the host is called. */
#include "eptdiff_stores.h"

#include <string.h>

#define WORDS 512
#define NOWHERE (~UINT64_C(0))
/* What a processor sets by itself: accessed and dirty. */
#define FLAGS UINT64_C(0x300)

struct watched {
  uint64_t frame;
  uint64_t* words;
  uint64_t known[WORDS]; /* as announced */
};

static const eptdiff_host* host;
static struct watched watched[EPTDIFF_STORES_FRAMES];
static size_t count;
/* No frame lies outside of these: most stores are to something else. */
static uintptr_t lowest = UINTPTR_MAX, highest;

static struct watched* pending;            /* null: nothing is */
static size_t pending_first, pending_last; /* words */
static uint64_t pending_before[WORDS];

static struct watched* frame_of_pointer(const void* pointer) {
  const uintptr_t at = (uintptr_t)pointer;
  size_t i;
  if (at < lowest || at >= highest) return NULL;
  for (i = count; i-- > 0;) {
    const uintptr_t start = (uintptr_t)watched[i].words;
    if (at >= start && at < start + WORDS * 8) return &watched[i];
  }
  return NULL;
}

static struct watched* frame_of_address(uint64_t address) {
  size_t i;
  for (i = count; i-- > 0;) {
    if (watched[i].frame == (address & ~UINT64_C(0xfff))) return &watched[i];
  }
  return NULL;
}

static void announce(struct watched* frame, size_t word, uint64_t before) {
  const uint64_t after = frame->words[word];
  frame->known[word] = after;
  host->stored(host->context, frame->frame + 8 * word, before, after);
}

static void announce_pending(void) {
  struct watched* const frame = pending;
  size_t word;
  if (frame == NULL) return;
  pending = NULL;
  for (word = pending_first; word <= pending_last; ++word) {
    announce(frame, word, pending_before[word - pending_first]);
  }
}

/* A store to `at` is about to happen, or to be tried; what was loaded for it has
 * been. Processors may come in. */
static void before_store(const volatile void* at) {
  struct watched* const frame = frame_of_pointer((const void*)at);
  announce_pending();
  if (frame == NULL || !EPTDIFF_HOST_HAS(host, before_store)) return;
  host->before_store(
      host->context,
      frame->frame + (((uintptr_t)at - (uintptr_t)frame->words) & ~(size_t)7));
}

/* It happens, of `bytes`, 1 and more: of what it stores beyond the frame, if
 * that is another one, announce_others() hears. */
static void will_change(void* at, size_t bytes) {
  struct watched* const frame = frame_of_pointer(at);
  size_t offset, word;
  if (frame == NULL) return;
  offset = (uintptr_t)at - (uintptr_t)frame->words;
  pending = frame;
  pending_first = offset / 8;
  pending_last = (offset + bytes - 1) / 8;
  if (pending_last >= WORDS) pending_last = WORDS - 1;
  for (word = pending_first; word <= pending_last; ++word) {
    pending_before[word - pending_first] = frame->words[word];
  }
}

static void will_store(void* at, size_t bytes) {
  before_store(at);
  will_change(at, bytes);
}

/* Words that have changed and that nobody has announced. */
static void announce_others(struct watched* frame) {
  size_t i;
  for (i = 0; i < WORDS; ++i) {
    const uint64_t before = frame->known[i];
    const uint64_t changed = frame->words[i] ^ before;
    if ((changed & ~FLAGS) != 0) announce(frame, i, before);
  }
}

void eptdiff_stores_settle(void) {
  size_t i;
  announce_pending();
  for (i = 0; i < count; ++i) announce_others(&watched[i]);
}

void eptdiff_stores_begin(const eptdiff_host* lent) {
  host = lent;
  count = 0;
  pending = NULL;
  lowest = UINTPTR_MAX;
  highest = 0;
}

uint64_t* eptdiff_stores_allocate(void) {
  struct watched* const frame = &watched[count];
  announce_pending();
  if (count == EPTDIFF_STORES_FRAMES ||
      !host->allocate(host->context, &frame->frame)) {
    return NULL;
  }
  frame->words = host->pointer(host->context, frame->frame);
  memcpy(frame->known, frame->words, sizeof(frame->known));
  if ((uintptr_t)frame->words < lowest) lowest = (uintptr_t)frame->words;
  if ((uintptr_t)(frame->words + WORDS) > highest) {
    highest = (uintptr_t)(frame->words + WORDS);
  }
  ++count;
  return frame->words;
}

void eptdiff_stores_release(const void* pointer) {
  struct watched* frame;
  uint64_t address = NOWHERE;
  eptdiff_stores_settle();
  frame = frame_of_pointer(pointer);
  if (frame != NULL) {
    address = frame->frame;
    *frame = watched[--count];
  }
  /* What is no frame is for the host to refuse. */
  host->release(host->context, address);
}

uint64_t eptdiff_stores_address(const void* pointer) {
  const struct watched* const frame = frame_of_pointer(pointer);
  if (frame == NULL) return NOWHERE;
  return frame->frame + ((uintptr_t)pointer - (uintptr_t)frame->words);
}

void* eptdiff_stores_pointer(uint64_t address) {
  const struct watched* const frame = frame_of_address(address);
  if (frame == NULL) return NULL;
  return (char*)frame->words + (address & 0xfff);
}

void eptdiff_stores_invept(uint64_t eptp) {
  eptdiff_stores_settle();
  host->invept(host->context, eptp);
}

/* Word by word, since each is a store of its own to whoever reads meanwhile. */
void* eptdiff_stores_memset(void* to, int value, size_t bytes) {
  unsigned char* at = to;
  while (bytes > 0) {
    const size_t piece = bytes < 8 ? bytes : 8;
    will_store(at, piece);
    memset(at, value, piece);
    at += piece;
    bytes -= piece;
  }
  return to;
}

/* ----------------------------------------- what the compiler calls: stores */

/* For this shared object alone: a program may have a sanitizer of its own. */
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FOR_EACH_SIZE(DO) DO(1) DO(2) DO(4) DO(8) DO(16)

#define STORE(size)                                                     \
  void __tsan_write##size(void* at);                                    \
  void __tsan_write##size(void* at) { will_store(at, size); }           \
  void __tsan_unaligned_write##size(void* at);                          \
  void __tsan_unaligned_write##size(void* at) { will_store(at, size); } \
  void __tsan_read_write##size(void* at);                               \
  void __tsan_read_write##size(void* at) { will_store(at, size); }      \
  void __tsan_unaligned_read_write##size(void* at);                     \
  void __tsan_unaligned_read_write##size(void* at) { will_store(at, size); } \
  void __tsan_volatile_write##size(void* at); \
  void __tsan_volatile_write##size(void* at) { will_store(at, size); } \
  void __tsan_unaligned_volatile_write##size(void* at); \
  void __tsan_unaligned_volatile_write##size(void* at) { will_store(at, size); }
FOR_EACH_SIZE(STORE)

/* Structures, as gcc copies them. */
void __tsan_write_range(void* at, size_t bytes);
void __tsan_write_range(void* at, size_t bytes) {
  if (bytes > 0) will_store(at, bytes);
}
/* The pointer to a class's virtual functions. */
void __tsan_vptr_update(void* at, void* value);
void __tsan_vptr_update(void* at, void* value) {
  (void)value;
  will_store(at, sizeof(void*));
}

/* memset, memcpy and memmove, as clang calls them. */
void* __tsan_memset(void* to, int value, size_t bytes);
void* __tsan_memset(void* to, int value, size_t bytes) {
  return eptdiff_stores_memset(to, value, bytes);
}
void* __tsan_memmove(void* to, const void* from, size_t bytes);
void* __tsan_memmove(void* to, const void* from, size_t bytes) {
  size_t i;
  for (i = 0; i + 8 <= bytes && to < from; i += 8) {
    will_store((char*)to + i, 8);
    memcpy((char*)to + i, (const char*)from + i, 8);
  }
  memmove((char*)to + i, (const char*)from + i, bytes - i);
  return to;
}
void* __tsan_memcpy(void* to, const void* from, size_t bytes);
void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  size_t i;
  for (i = 0; i + 8 <= bytes; i += 8) {
    will_store((char*)to + i, 8);
    memcpy((char*)to + i, (const char*)from + i, 8);
  }
  memcpy((char*)to + i, (const char*)from + i, bytes - i);
  return to;
}

/* ---------------------------------------- what the compiler calls: atomics */

#define MODIFY(bits, name, result)                                    \
  uint##bits##_t __tsan_atomic##bits##_##name(                        \
      volatile uint##bits##_t* at, uint##bits##_t value, int order);  \
  uint##bits##_t __tsan_atomic##bits##_##name(                        \
      volatile uint##bits##_t* at, uint##bits##_t value, int order) { \
    uint##bits##_t was;                                               \
    (void)order;                                                      \
    before_store(at);                                                 \
    was = *at;                                                        \
    will_change((void*)(uintptr_t)at, sizeof(*at));                   \
    *at = (uint##bits##_t)(result);                                   \
    return was;                                                       \
  }

#define ATOMICS(bits)                                                          \
  MODIFY(bits, exchange, value)                                                \
  MODIFY(bits, fetch_add, was + value)                                         \
  MODIFY(bits, fetch_sub, was - value)                                         \
  MODIFY(bits, fetch_and, was& value)                                          \
  MODIFY(bits, fetch_or, was | value)                                          \
  MODIFY(bits, fetch_xor, was ^ value)                                         \
  MODIFY(bits, fetch_nand, ~(was & value))                                     \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t*,    \
                                            int);                              \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t* at, \
                                            int order) {                       \
    (void)order;                                                               \
    return *at;                                                                \
  }                                                                            \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t*, uint##bits##_t,   \
                                   int);                                       \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t* at,                \
                                   uint##bits##_t value, int order) {          \
    (void)__tsan_atomic##bits##_exchange(at, value, order);                    \
  }                                                                            \
  uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                   \
      volatile uint##bits##_t*, uint##bits##_t, uint##bits##_t, int, int);     \
  uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                   \
      volatile uint##bits##_t* at, uint##bits##_t expected,                    \
      uint##bits##_t desired, int order, int failure) {                        \
    uint##bits##_t was;                                                        \
    (void)order;                                                               \
    (void)failure;                                                             \
    before_store(at);                                                          \
    was = *at;                                                                 \
    if (was != expected) return was;                                           \
    will_change((void*)(uintptr_t)at, sizeof(*at));                            \
    *at = desired;                                                             \
    return was;                                                                \
  }                                                                            \
  int __tsan_atomic##bits##_compare_exchange_strong(                           \
      volatile uint##bits##_t*, uint##bits##_t*, uint##bits##_t, int, int);    \
  int __tsan_atomic##bits##_compare_exchange_strong(                           \
      volatile uint##bits##_t* at, uint##bits##_t* expected,                   \
      uint##bits##_t desired, int order, int failure) {                        \
    const uint##bits##_t was = __tsan_atomic##bits##_compare_exchange_val(     \
        at, *expected, desired, order, failure);                               \
    const int done = was == *expected;                                         \
    *expected = was;                                                           \
    return done;                                                               \
  }                                                                            \
  int __tsan_atomic##bits##_compare_exchange_weak(                             \
      volatile uint##bits##_t*, uint##bits##_t*, uint##bits##_t, int, int);    \
  int __tsan_atomic##bits##_compare_exchange_weak(                             \
      volatile uint##bits##_t* at, uint##bits##_t* expected,                   \
      uint##bits##_t desired, int order, int failure) {                        \
    return __tsan_atomic##bits##_compare_exchange_strong(                      \
        at, expected, desired, order, failure);                                \
  }
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

/* ------------------------------- what the compiler calls, of no use to us */

#define LOAD(size)                               \
  void __tsan_read##size(void* at);              \
  void __tsan_read##size(void* at) { (void)at; } \
  void __tsan_unaligned_read##size(void* at);    \
  void __tsan_unaligned_read##size(void* at) { (void)at; } \
  void __tsan_volatile_read##size(void* at);              \
  void __tsan_volatile_read##size(void* at) { (void)at; } \
  void __tsan_unaligned_volatile_read##size(void* at);    \
  void __tsan_unaligned_volatile_read##size(void* at) { (void)at; }
FOR_EACH_SIZE(LOAD)

void __tsan_read_range(void* at, size_t bytes);
void __tsan_read_range(void* at, size_t bytes) {
  (void)at;
  (void)bytes;
}
void __tsan_vptr_read(void* at);
void __tsan_vptr_read(void* at) { (void)at; }

void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void* caller);
void __tsan_func_entry(void* caller) { (void)caller; }
void __tsan_func_exit(void);
void __tsan_func_exit(void) {}
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order) { (void)order; }
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order) { (void)order; }

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
