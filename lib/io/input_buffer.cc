#include "lib/io/input_buffer.h"

#include <cstring>

namespace io {

std::span<char> InputBuffer::room(std::size_t wanted) {
  if (empty()) {
    begin_ = end_ = 0;
    if (capacity_ < wanted) {
      data_ = std::make_unique_for_overwrite<char[]>(wanted);
      capacity_ = wanted;
    }
  } else if (end_ == capacity_) {
    const std::size_t size = end_ - begin_;
    if (begin_ >= capacity_ / 2) {
      std::memmove(data_.get(), data_.get() + begin_, size);
    } else {
      auto larger = std::make_unique_for_overwrite<char[]>(2 * capacity_);
      std::memcpy(larger.get(), data_.get() + begin_, size);
      data_ = std::move(larger);
      capacity_ *= 2;
    }
    begin_ = 0;
    end_ = size;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void InputBuffer::release() {
  if (!empty()) return;
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace io
