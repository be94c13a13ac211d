#pragma once
// Which cipher suites may be used, by grade (postconf(5), smtpd_tls_ciphers).

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace tls {

// The values of tls_*_cipherlist.
struct CipherLists {
  std::string high, medium, null;
};

// The list for the library: that of the grade (high, medium or what is called low and export since there was worse; null),
// less what the values of *_exclude_ciphers name. The error: no such grade.
[[nodiscard]] Result<std::string> cipher_list(const CipherLists& lists, std::string_view grade, std::string_view exclude);

}  // namespace tls
