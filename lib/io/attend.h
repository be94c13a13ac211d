#pragma once
// A TCP client whose socket somebody else in this host speaks on: who has accepted him waits for the end.

#include "lib/io/relay.h"
#include "lib/io/stream.h"

namespace io {

// How much has been said on a TCP connection until now, by the kernel's count.
[[nodiscard]] Relayed said_on(const Stream& client);

// Until the other end of `lifeline` is closed; then, or when this fiber is cancelled, the client's connection ends. How much was said on
// it since `before`, which is of the time when the other had not got the socket yet. The stream has no layer, and no input that was read;
// neither is read any more.
[[nodiscard]] Relayed attend(Stream client, Stream lifeline, const Relayed& before);

}  // namespace io
