#pragma once
// Whether a server offers TLS, or demands it. Pure, but for warnings.

#include <string_view>

#include "lib/base/error.h"

namespace smtp {

enum class TlsLevel { none, may, encrypt };

// By the value of `parameter` ("smtpd_tls_security_level"), or where that is empty by *_use_tls and *_enforce_tls. A level that only clients
// have means encrypt, and a warning. The error: there is no such level.
[[nodiscard]] Result<TlsLevel> tls_level(std::string_view parameter, std::string_view value, bool uses, bool enforces);

}  // namespace smtp
