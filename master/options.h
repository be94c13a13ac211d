#pragma once
// The command line of master(8), and how it becomes a daemon.

#include <string>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/log/log.h"

namespace master {

inline constexpr const char* pid_file = "pid/master.pid";  // below the queue directory

enum class Mode {
  daemon,       // in a session of its own, without a terminal
  foreground,   // -d, -i, -s: stays with whoever started it (start-fg, containers)
};

struct Options {
  std::string config_directory;
  Mode mode = Mode::daemon;
  bool wait_for_start = false;  // -w: the caller learns whether the start succeeded
  bool test_only = false;       // -t: exit status 0 when no master runs
};
[[nodiscard]] Options parse_options(int argc, char** argv);

// To the process that waits for the start with -w. Without success() it sees a failure.
class StartReport {
 public:
  StartReport() = default;
  explicit StartReport(Fd pipe) : pipe_(std::move(pipe)) {}
  void success();

 private:
  Fd pipe_;
};

// Leaves terminal, session and caller; with -w the caller ends when success() was called or we have died.
[[nodiscard]] StartReport become_daemon(const Options& options);

// The value, or the end of a master that cannot start.
template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::fatal("{}", result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace master
