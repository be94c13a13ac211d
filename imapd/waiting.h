#pragma once
// Waiting for the client's next words, while news are told as they come: in IDLE, and between commands where he has asked so by NOTIFY.

#include "imapd/session.h"

namespace imapd {

enum class Waited {
  input,      // the client says something, or has closed
  lost,       // he takes nothing any more
  too_long,   // imapd_timeout
  gone,       // the selected mailbox can be looked at no more
};

// Occasion::idling or waiting.
[[nodiscard]] Waited wait_for_client(Session& session, Occasion occasion);

}  // namespace imapd
