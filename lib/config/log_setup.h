#pragma once
// Opens the mail log as main.cf says: syslog, or postlogd when maillog_file is set.

#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/config/main_cf.h"

namespace config {

enum class LogUser {
  daemon,   // in the queue directory; the log socket must be reachable after chroot
  command,  // anywhere; lines go to standard error too
  script,   // the same, in the name of "$syslog_name/postlog", or on a terminal of the whole tag: so do what Postfix has as
            // shell scripts, and postlog(1)
};

// maillog_file_permissions: octal digits.
[[nodiscard]] Result<mode_t> log_file_mode(std::string_view text);

// The tag is "$syslog_name/program", as in "postfix/smtpd".
void open_log(const Main& main, std::string_view program, LogUser user);

}  // namespace config
