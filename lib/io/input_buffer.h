#pragma once
// Bytes that came and were not taken yet. Holds memory only while it holds bytes, so that an idle session costs none.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace io {

class InputBuffer {
 public:
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }

  // Room of at least one byte for what comes next. An empty buffer takes `wanted` bytes of memory; a full one doubles.
  [[nodiscard]] std::span<char> room(std::size_t wanted);
  // `size` bytes of room() were filled.
  void filled(std::size_t size) { end_ += size; }
  // Takes `size` bytes off the front. The memory stays until the next room() or release().
  void consume(std::size_t size) { begin_ += size; }
  // Gives the memory back, if no bytes are in it.
  void release();
  void clear() { begin_ = end_ = 0; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace io
