#pragma once
// Learning from the kernel that files changed, by inotify: of one mailbox.

#include <string>

#include "lib/base/fd.h"

namespace store {

// The descriptor; none where the system has no more of them.
[[nodiscard]] Fd new_watches();
// Of a directory (or file) by its descriptor, so that it is the one that we have open whatever its name is by now. The number by which
// events name it; -1: the system watches no more.
[[nodiscard]] int add_watch(const Fd& watches, const Fd& what);

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
