#pragma once
// postconf -T: what the TLS library is that the suite was compiled with and runs with.

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace postconf {

// `mode`: compile-version, run-version or public-key-algorithms. The answer ends with a newline.
Result<std::string> about_tls_library(std::string_view mode);

}  // namespace postconf
