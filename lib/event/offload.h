#pragma once
// blocking(fn): runs fn on a pool thread and parks the fiber until it is done; outside of a fiber it just calls fn. The
// wait cannot be cancelled: fn may use what the fiber owns. fn must not log, park, or touch what other fibers use.

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace event {

// Threads of the pool (measured: 16 carry 7,300 fsyncs a second, 4 carry 2,965). They start with the first use.
inline constexpr int offload_threads = 16;

void run_blocking(const std::function<void()>& fn);

template <class Fn>
auto blocking(Fn&& fn) -> std::invoke_result_t<Fn> {
  if constexpr (std::is_void_v<std::invoke_result_t<Fn>>) {
    run_blocking(fn);
  } else {
    std::optional<std::invoke_result_t<Fn>> result;
    run_blocking([&] { result.emplace(fn()); });
    return std::move(*result);
  }
}

// fsync on the pool. A failed fsync is never retried on the same file: the caller discards the file.
[[nodiscard]] Result<void> fsync(const Fd& file);

// fsync of a directory, coalesced: while as many are running as `rounds_limit`, fibers that ask share the next one.
class DirectorySync {
 public:
  // So many at once: those that wait for the same journal commit do not wait for one another first.
  static constexpr int rounds_limit = 4;

  explicit DirectorySync(int directory_fd) : directory_fd_(directory_fd) {}  // borrowed; must outlive this
  DirectorySync(const DirectorySync&) = delete;
  DirectorySync& operator=(const DirectorySync&) = delete;
  // Every name that was in the directory before the call is on disk when it succeeds.
  [[nodiscard]] Result<void> sync() { return finish(begin()); }

  // The same in two steps: between them the fiber may do something else that takes as long (fsync of the file).
  class Round;
  [[nodiscard]] std::shared_ptr<Round> begin();
  [[nodiscard]] static Result<void> finish(const std::shared_ptr<Round>& round);

 private:
  void start_next();

  int directory_fd_;
  std::shared_ptr<Round> next_;  // who comes while rounds_limit rounds run is served by this one
  int running_ = 0;
};

}  // namespace event
