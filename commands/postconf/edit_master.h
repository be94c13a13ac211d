#pragma once
// Changes to the text of master.cf. A service that is changed is written anew in postconf's layout; comments that stood
// inside it stay, before it (-F, -P) or behind it (-M). Everything else stays as it is.

#include <string>
#include <string_view>
#include <vector>

#include "commands/postconf/edit_main.h"
#include "commands/postconf/options.h"
#include "lib/base/error.h"

namespace postconf {

// `subject` says what the requests are: services (-M), fields (-F) or service_parameters (-P).
[[nodiscard]] Result<Edited> edit_master(Subject subject, Action action, const std::vector<std::string>& requests,
                                         std::string_view text, std::string_view file);

}  // namespace postconf
