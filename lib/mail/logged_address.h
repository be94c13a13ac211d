#pragma once
// Addresses as the log has them (info_log_address_format).

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace mail {

// "external" or "internal", for all that this process logs from now on; said once, at its start. Before: external.
[[nodiscard]] Result<void> set_logged_address_format(std::string_view format);

[[nodiscard]] std::string logged_address(std::string_view internal);

}  // namespace mail
