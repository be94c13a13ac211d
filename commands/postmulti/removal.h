#pragma once
// What goes with an instance that is destroyed: directories that the suite made, when nothing else is in them.

#include "commands/postmulti/instances.h"
#include "lib/base/error.h"

namespace postmulti {

// The error says that the instance runs or that its queue holds mail.
[[nodiscard]] Result<void> check_removable(const Instance& one);

// What has other files stays, with a warning.
void remove_queue_and_data(const Instance& one);
void remove_configuration(const Instance& one);

}  // namespace postmulti
