#pragma once
// What main.cf says, understood.

#include "lib/config/main_cf.h"
#include "lib/smtp/tls_site.h"
#include "services/tlsproxy/tlsproxy_params.h"

namespace tlsproxy {

// In which each tlsproxy_tls_... that is not set is what postscreen's parameter of that name says, since postscreen(8) is who asks.
[[nodiscard]] config::Main with_postscreens(const config::Main& main);

// The error: a level that there is not.
[[nodiscard]] Result<smtp::TlsSite::Wishes> wishes(const Params& params, const std::string& service);

}  // namespace tlsproxy
