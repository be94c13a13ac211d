#pragma once
// What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1), as far as we use it.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/smtp/reply.h"

namespace smtp {

struct Features {
  bool esmtp = false;               // it took EHLO
  bool pipelining = false;          // RFC 2920
  bool eight_bit_mime = false;      // RFC 6152
  bool smtputf8 = false;            // RFC 6531
  bool starttls = false;            // RFC 3207
  bool dsn = false;                 // RFC 3461
  bool require_tls = false;         // RFC 8689; means nothing without TLS
  bool size = false;                // RFC 1870
  std::int64_t size_limit = 0;      // 0: not told
  std::set<std::string, std::less<>> xforward;  // attributes that it takes by XFORWARD, in upper case
  std::optional<std::vector<std::string>> auth;  // RFC 4954: the mechanisms
  std::string name;                 // how it calls itself
};

// Keywords in `discard` (in lower case) are taken for not offered.
[[nodiscard]] Features parse_ehlo(const ServerReply& reply, const std::set<std::string, std::less<>>& discard);

// A list of keywords as smtp_discard_ehlo_keywords has it.
[[nodiscard]] std::set<std::string, std::less<>> parse_keywords(std::string_view list);

// Those of them that there are, as the log names them; nothing when the list asks for silence.
[[nodiscard]] std::string discarded_text(const std::set<std::string, std::less<>>& keywords);

// The first word of a greeting, or of a line of a reply.
[[nodiscard]] std::string first_word(const ServerReply& reply);

}  // namespace smtp
