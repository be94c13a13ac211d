#include "lib/mailbox/file_lock.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>

#include "lib/base/ascii.h"

namespace mailbox {
namespace {

// True: locked. False: held by another. Error: the file system cannot lock.
Result<bool> try_fcntl(const Fd& file) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  return base::fail_system("unable to lock for exclusive access");
}

Result<bool> try_flock(const Fd& file) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return base::fail_system("unable to lock for exclusive access");
}

Result<void> wait_for(const LockPatience& patience, const std::function<Result<bool>()>& attempt) {
  Result<bool> last = false;
  static_cast<void>(persist(patience, [&] {
    last = attempt();
    return !last || *last;
  }));
  if (!last) return base::Failure(last.error());
  if (!*last) return base::Failure(base::Error::system("unable to lock for exclusive access", EAGAIN));
  return {};
}

}  // namespace

Result<LockMethods> parse_lock_methods(std::string_view value) {
  LockMethods methods;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    if (word == "fcntl") {
      methods.fcntl = true;
    } else if (word == "flock") {
      methods.flock = true;
    } else if (word == "dotlock") {
      methods.dotlock = true;
    } else {
      return base::fail("unknown lock method \"" + std::string(word) + "\"");
    }
  }
  return methods;
}

bool persist(const LockPatience& patience, const std::function<bool()>& attempt) {
  using std::chrono::milliseconds;
  constexpr milliseconds first_pause(5);
  const auto end = std::chrono::steady_clock::now() + patience.total();
  const milliseconds longest = std::max<milliseconds>(patience.delay, first_pause);
  for (milliseconds pause = first_pause;; pause = std::min(pause * 2, longest)) {
    if (attempt()) return true;
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(pause, end - now));
  }
}

Result<void> lock_mailbox(const Fd& file, LockMethods methods, const LockPatience& patience) {
  if (methods.flock) TRY(wait_for(patience, [&] { return try_flock(file); }));
  if (methods.fcntl) TRY(wait_for(patience, [&] { return try_fcntl(file); }));
  return {};
}

}  // namespace mailbox
