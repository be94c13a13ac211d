#pragma once
// What postqueue asks of qmgr(8) and pickup(8), as bytes without an answer, and of flush(8).

#include <string>
#include <string_view>

#include "commands/postqueue/postqueue_params.h"
#include "lib/base/error.h"
#include "lib/queue/flush_sites.h"

namespace postqueue {

// Everything deferred now, dead destinations too, and what lies in maildrop.
[[nodiscard]] Result<void> flush_all(const Params& params);
// flush(8)'s answer; the Error is a line for the log.
[[nodiscard]] Result<ipc::FlushStatus> ask_flush(const Params& params, const queue::FlushSites& sites,
                                                 const ipc::FlushRequest& request);

}  // namespace postqueue
