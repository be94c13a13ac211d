#pragma once
// What sendmail(1) does for its modes: hand in mail itself, everything else by the command whose task it is.

#include <string>

#include "submit/sendmail/options.h"
#include "submit/sendmail/sendmail_params.h"
#include "submit/user.h"

namespace sendmail {

// Returns the exit status.
[[nodiscard]] int run(const Params& params, const Options& options, const submit::User& user,
                      const std::string& config_directory);

}  // namespace sendmail
