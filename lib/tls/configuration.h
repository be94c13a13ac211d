#pragma once
// OpenSSL's own configuration file. Internal to lib/tls.

#include "lib/base/error.h"
#include "lib/tls/settings.h"

namespace tls {

// To be called before anything else that this process does with the library, which would read the system's file by itself. The
// error: there is no TLS with that; what the library says of it is left for log_library_problems().
[[nodiscard]] Result<void> load_configuration(const CommonSettings& settings);

}  // namespace tls
