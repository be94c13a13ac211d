#pragma once
// The milters of a client that has asked them so far (lib/ipc/messages/cleanup.h).

#include <string_view>

#include "lib/base/error.h"
#include "lib/io/stream.h"
#include "lib/milter/milters.h"

namespace cleanup {

// `count`: the data of the record that begins it.
[[nodiscard]] Result<milter::Milters> receive_milters(io::Stream& stream, std::string_view count, std::chrono::seconds timeout);

}  // namespace cleanup
