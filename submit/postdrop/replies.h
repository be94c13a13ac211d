#pragma once
// What postdrop(1) says on its standard output: attributes, each a name and a value ended by NUL, a message ended by an
// empty name. A peer that does not read is not waited for: what counts is on disk.

#include <string_view>

#include "submit/postdrop/statuses.h"

namespace postdrop {

void reply_opened(std::string_view queue_id);
void reply_ended(Status status, std::string_view reason);

}  // namespace postdrop
