#pragma once
// A message through postdrop(1), which alone may write maildrop/.

#include <string>

#include "lib/base/error.h"
#include "submit/sendmail/options.h"
#include "submit/sendmail/sendmail_params.h"
#include "submit/user.h"

namespace sendmail {

// Reads the message from standard input (or makes a probe) and hands it in. Ok: it is on disk. The error's message says
// what failed, for the log and the user.
[[nodiscard]] Result<void> enqueue(const Params& params, const Options& options, const submit::User& user,
                                   const std::string& config_directory);

}  // namespace sendmail
