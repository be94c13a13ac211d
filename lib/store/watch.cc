#include "lib/store/watch.h"

#include <array>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace store {
namespace {

constexpr std::uint32_t events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY;

}  // namespace

void Watch::add(const Fd& what) {
  if (failed_) return;
  if (!fd_) fd_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  // By the descriptor's own path, so that it is the directory that we have open whatever its name is by now.
  if (!fd_ || ::inotify_add_watch(fd_.get(), fmt::format("/proc/self/fd/{}", what.get()).c_str(), events) < 0) {
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
