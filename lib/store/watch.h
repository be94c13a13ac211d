#pragma once
// Learning from the kernel that files of a mailbox changed: one inotify descriptor.

#include <string>

#include "lib/base/fd.h"

namespace store {

class Watch {
 public:
  // Adds a directory (or file) by its descriptor.
  void add(const Fd& what);
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Reads what has been told, so that the descriptor is not readable any more.
  void drain();

 private:
  Fd fd_;
  bool failed_ = false;
};

}  // namespace store
