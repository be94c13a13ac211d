#pragma once
// What postqueue asks of qmgr(8) and pickup(8), as bytes without an answer.

#include <string>
#include <string_view>

#include "commands/postqueue/postqueue_params.h"
#include "lib/base/error.h"
#include "lib/queue/id.h"

namespace postqueue {

// Everything deferred now, dead destinations too, and what lies in maildrop.
[[nodiscard]] Result<void> flush_all(const Params& params);
[[nodiscard]] Result<void> try_now(const std::string& queue_directory, const queue::QueueId& id);

}  // namespace postqueue
