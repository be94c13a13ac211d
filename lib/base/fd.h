#pragma once
// A file descriptor with one owner. Move-only; closes on destruction. Where close can lose data (queue files,
// mailboxes) the owner calls close() and looks at the result; the destructor means "abandon".

#include <utility>

#include "lib/base/error.h"

namespace base {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

  // Closes and reports what the kernel said. The descriptor is gone either way.
  [[nodiscard]] Result<void> close();

 private:
  int fd_ = -1;
};

}  // namespace base

using base::Fd;
