#include "commands/load/work.h"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

#include "lib/base/deadline.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"

namespace load {

bool Work::take() {
  if (left_ == 0) return false;
  --left_;
  return true;
}

void Work::wait() {
  if (pace_.fixed_delay.count() > 0) event::sleep_until(base::after(pace_.fixed_delay));
  if (pace_.random_delay.count() > 0) {
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(pace_.random_delay).count();
    event::sleep_until(base::after(std::chrono::milliseconds(std::uniform_int_distribution<long>(0, most)(random_))));
  }
}

void Work::count() {
  ++delivered_;
  if (!pace_.show_count) return;
  fmt::print("{}\r", delivered_);
  std::fflush(stdout);
}

void run_sessions(const Work& work, const std::string& name, const std::function<void()>& session) {
  event::Loop loop;
  int running = std::min(work.pace().sessions, work.pace().messages);
  for (int i = running; i > 0; --i) {
    const auto fiber = loop.spawn(name, [&] {
      session();
      if (--running == 0) loop.stop();
    });
    if (!fiber) maillog::fatal("{}", fiber.error().message());
  }
  loop.run();
  if (work.pace().show_count) {
    fmt::print("\n");
    std::fflush(stdout);
  }
}

}  // namespace load
