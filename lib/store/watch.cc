#include "lib/store/watch.h"

#include <array>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace store {
namespace {

constexpr std::uint32_t events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY;

}  // namespace

Fd new_watches() { return Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }

int add_watch(const Fd& watches, const Fd& what) {
  return ::inotify_add_watch(watches.get(), fmt::format("/proc/self/fd/{}", what.get()).c_str(), events);
}

void Watch::add(const Fd& what) {
  if (failed_) return;
  if (!fd_) fd_ = new_watches();
  if (!fd_ || add_watch(fd_, what) < 0) {
    failed_ = true;
    fd_.reset();
  }
}

void Watch::drain() {
  std::array<char, 4096> buffer;
  while (fd_ && ::read(fd_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace store
