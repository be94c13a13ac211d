#pragma once
// A message of stand-alone mode: an ordinary user's, so it takes the way that all mail of users takes, through postdrop(1).

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "smtpd/intake.h"

namespace smtpd {

// Starts `program` (postdrop's path) and waits for the message's name.
[[nodiscard]] Result<std::unique_ptr<Intake>> open_postdrop(const std::string& program, Deadline deadline);

}  // namespace smtpd
