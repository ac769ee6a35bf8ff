// Memory that a process shares with the child that it forks, and values written
// one after the other into a part of it. Both are the same program, so values
// are copied as they are.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_CHANNEL_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_CHANNEL_H_

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

namespace eptdiff {

class ChannelWriter {
 public:
  explicit ChannelWriter(std::span<std::byte> room) : room_(room) {}

  // Nothing is written, from here on, once something does not fit.
  template <typename T>
  void Put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (room_.size() - used_ < sizeof(T)) overflowed_ = true;
    if (overflowed_) return;
    std::memcpy(room_.data() + used_, &value, sizeof(T));
    used_ += sizeof(T);
  }

  std::size_t used() const { return used_; }
  bool overflowed() const { return overflowed_; }
  // Forgets what was written after the first `used` bytes.
  void Rewind(std::size_t used) {
    used_ = used;
    overflowed_ = false;
  }

 private:
  std::span<std::byte> room_;
  std::size_t used_ = 0;
  bool overflowed_ = false;
};

class ChannelReader {
 public:
  // What the other side wrote there is trusted to be as long as it is read.
  explicit ChannelReader(const std::byte* from) : from_(from) {}

  template <typename T>
  void Get(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(&value, from_, sizeof(T));
    from_ += sizeof(T);
  }
  template <typename T>
  T Get() {
    T value;
    Get(value);
    return value;
  }

  const std::byte* at() const { return from_; }

 private:
  const std::byte* from_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_CHANNEL_H_
