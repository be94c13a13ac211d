#include "lib/event/offload.h"

#include <unistd.h>

#include "lib/event/fiber.h"
#include "lib/event/loop.h"
#include "lib/event/offload_pool.h"
#include "lib/event/scheduler.h"

namespace event {

void run_blocking(const std::function<void()>& fn) {
  Fiber* const fiber = Fiber::current();
  if (fiber == nullptr) return fn();
  fiber->scheduler().offload().run(*fiber, fn);
}

Result<void> fsync(const Fd& file) {
  return blocking([fd = file.get()]() -> Result<void> {
    if (::fsync(fd) != 0) return base::fail_system("fsync");
    return {};
  });
}

}  // namespace event
