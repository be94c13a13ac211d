#pragma once
// The message that a notice is about: what its queue file says. The file may be gone or damaged; the notice then says
// what it can.

#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"
#include "lib/queue/message.h"

namespace bounce {

struct Original {
  Fd file;
  queue::Message message;

  // None when there is no such file, or it does not parse (that is logged).
  [[nodiscard]] static std::optional<Original> open(const queue::Layout& layout, queue::Queue queue, const queue::QueueId& id);
};

}  // namespace bounce
