#pragma once
// Which versions of TLS may be spoken, as smtpd_tls_protocols and its like say it (postconf(5)): names that may be used
// ("TLSv1.2, TLSv1.3"), that may not ("!SSLv3"), or bounds (">=TLSv1.2", "<=0304").

#include <cstdint>
#include <string_view>

#include "lib/base/error.h"

namespace tls {

struct Protocols {
  int lowest = 0, highest = 0;      // as SSL_CTX_set_min_proto_version has them; 0: whatever the library has
  std::uint64_t left_out = 0;       // SSL_OP_NO_...

  // Without names or bounds everything. The error names the list.
  static Result<Protocols> parse(std::string_view list);
};

}  // namespace tls
