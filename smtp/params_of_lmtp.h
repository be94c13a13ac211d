#pragma once
// The parameters of lmtp: those of smtp(8), under names of their own.

#include "lib/base/error.h"
#include "lib/config/main_cf.h"
#include "smtp/smtp_params.h"

namespace smtp {

// lmtp_NAME in the place of each smtp_NAME.
[[nodiscard]] Result<Params> load_lmtp(const config::Main& main);

}  // namespace smtp
