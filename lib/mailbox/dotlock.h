#pragma once
// MAILBOX.lock: the lock that every mail program on UNIX knows, whatever else it does.
//
// Ours appear complete, by link(2), and say who holds them:
//   PID
//   host=NAME boot=BOOT-ID pidns=NUMBER start=TICKS
// The first line is what liblockfile and procmail look at. By the second the lock of a process that has died (kill -9,
// power cut) is recognised at once: the same host, and another boot, or no process of that number that was started at
// that time. What says less, or belongs to another host or container, is taken over after stale_lock_time.
//
// A power cut can leave the name without the text, as nothing is synced for a lock. So an extended attribute of the file
// says the same in short: it reaches the disk with the name, in one transaction of the file system's journal.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/mailbox/lock_method.h"

namespace mailbox {

// Who holds a lock.
struct LockHolder {
  long pid = 0;
  std::string host, boot, pid_namespace, start;  // `start` in clock ticks since boot, as /proc/PID/stat has it
  [[nodiscard]] static LockHolder self();
  [[nodiscard]] std::string text() const;
  // None: not one of ours.
  [[nodiscard]] static std::optional<LockHolder> parse(std::string_view text);
  // For the attribute, small enough to lie in the inode: "PID START BOOT PIDNS HOST", with boot and host cut short.
  [[nodiscard]] std::string mark() const;
  [[nodiscard]] static std::optional<LockHolder> parse_mark(std::string_view text);
  [[nodiscard]] LockHolder abbreviated() const;
  // Certainly dead, as far as `observer` (this process) can know.
  [[nodiscard]] bool is_dead(const LockHolder& observer) const;
};

class Dotlock {
 public:
  // Blocks until PATH.lock belongs to `self` (this process), for as long as the patience lasts. The error is "unable to create lock file
  // PATH.lock: ..." with its errno; EEXIST: somebody else kept it. `shown` is how the path is called there, if not empty.
  [[nodiscard]] static Result<Dotlock> acquire(const std::string& path, const LockHolder& self, const LockPatience& patience,
                                               const std::string& shown = {});

  Dotlock() = default;
  Dotlock(Dotlock&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Dotlock& operator=(Dotlock&& other) noexcept;
  Dotlock(const Dotlock&) = delete;
  Dotlock& operator=(const Dotlock&) = delete;
  // Removes the lock.
  ~Dotlock();

 private:
  explicit Dotlock(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace mailbox
