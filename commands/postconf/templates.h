#pragma once
// postconf -b and -t: the texts of notices, as bounce(8) would send them or as they are written.

#include <string>

#include "commands/postconf/options.h"
#include "lib/base/error.h"

namespace postconf {

// All four templates. Of the file that the options name, or of bounce_template_file; what neither has is built in.
// Warnings are logged under bounce's name, whose texts these are.
[[nodiscard]] Result<std::string> show_templates(const Options& options);

}  // namespace postconf
