#pragma once
// Who may list and who may flush: authorized_mailq_users and authorized_flush_users, by login name.

#include "commands/postqueue/postqueue_params.h"
#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace postqueue {

// Error with the text for the user. Root and mail_owner may do everything.
[[nodiscard]] Result<void> check_access(const config::Main& main, const Params& params, bool lists);

}  // namespace postqueue
