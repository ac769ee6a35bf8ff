// A vector with room for N values in place: no allocation, no initialisation
// of what is not used. It exists because fuzz targets link neither compiled
// Abseil nor pay for a heap allocation in each case.
// T must be trivially destructible. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_FIXED_VECTOR_H_
#define EPTDIFF_ORACLE_FIXED_VECTOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace eptdiff {

template <typename T, std::size_t N>
class FixedVector {
  static_assert(std::is_trivially_destructible_v<T>);
  static consteval bool IsSmall() {
    return std::is_trivially_copyable_v<T> && N * sizeof(T) <= 512;
  }

 public:
  FixedVector() : size_(0) {}
  // A small one is copied with all its room: what holds it, too, is copied in
  // one piece then, which the sanitizers check once.
  FixedVector(const FixedVector&)
    requires(IsSmall())
  = default;
  FixedVector(const FixedVector& other)
    requires(!IsSmall())
      : size_(0) {
    *this = other;
  }
  FixedVector& operator=(const FixedVector&)
    requires(IsSmall())
  = default;
  FixedVector& operator=(const FixedVector& other)
    requires(!IsSmall())
  {
    if (this == &other) return *this;
    size_ = other.size_;
    std::uninitialized_copy(other.begin(), other.end(), begin());
    return *this;
  }

  // Appends. The capacity is a proven bound at every use: exceeding it ends
  // the process.
  void push_back(const T& value) {
    if (size_ == N) std::abort();
    std::construct_at(values() + size_, value);
    ++size_;
  }
  // Appends a default-initialised T and returns it. (Value initialisation, as
  // std::construct_at does it, would clear all the room of a T of this kind.)
  T& emplace_back() {
    if (size_ == N) std::abort();
    return *::new (static_cast<void*>(values() + size_++)) T;
  }
  // Appends a T made of `value`.
  template <typename U>
  T& emplace_back(const U& value) {
    if (size_ == N) std::abort();
    return *::new (static_cast<void*>(values() + size_++)) T(value);
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == N; }
  static constexpr std::size_t capacity() { return N; }

  T& operator[](std::size_t i) { return values()[i]; }
  const T& operator[](std::size_t i) const { return values()[i]; }
  T& back() { return values()[size_ - 1]; }
  const T& back() const { return values()[size_ - 1]; }
  T* begin() { return values(); }
  T* end() { return values() + size_; }
  const T* begin() const { return values(); }
  const T* end() const { return values() + size_; }

  friend bool operator==(const FixedVector& a, const FixedVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  T* values() { return reinterpret_cast<T*>(storage_); }
  const T* values() const { return reinterpret_cast<const T*>(storage_); }

  std::size_t size_;
  alignas(T) std::byte storage_[N * sizeof(T)];
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_FIXED_VECTOR_H_
