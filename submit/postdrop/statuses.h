#pragma once
// How a message ended, for postdrop's answer and exit status.

#include "lib/ipc/messages/postdrop.h"

namespace postdrop {

using Status = ipc::PostdropStatus;

inline constexpr const char* protocol = ipc::postdrop_protocol;

}  // namespace postdrop
