#pragma once
// The ESMTP parameters of MAIL and RCPT (RFC 1870 SIZE, RFC 6152 BODY, RFC 3461 RET ENVID NOTIFY ORCPT, RFC 4954 AUTH,
// RFC 6531 SMTPUTF8). Pure: words in, values or the refusal out.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "smtpd/reply.h"

namespace smtpd {

enum class Body { not_given, seven_bit, eight_bit };

struct MailParameters {
  std::uint64_t size = 0;         // SIZE=; 0 when not given
  Body body = Body::not_given;
  bool smtputf8 = false;
  bool require_tls = false;       // REQUIRETLS (RFC 8689)
  int ret = 0;                    // mail::ret; 0 when not given
  std::string envid;              // decoded
  std::string verp;               // XVERP: both delimiters; empty when not given
  std::string auth_sender;        // AUTH=, as given (RFC 4954 section 5); empty when nobody knows
};

struct RcptParameters {
  int notify = 0;                 // mail::notify; 0 when not given
  std::string orcpt;              // "type;address", decoded; empty when not given
};

// What EHLO announced. SIZE= is taken from who was not told of it, too.
struct Announced {
  bool eight_bit_mime = true, dsn = true, smtputf8 = true, require_tls = false;
  std::string_view verp_default, verp_filter;   // XVERP: without a value, and what may be in one; empty where it is not for this client
};

[[nodiscard]] std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                                         const Announced& announced);
[[nodiscard]] std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::span<const std::string_view> words,
                                                                         const Announced& announced);

// What NOTIFY= says and nobody knows; for the log. The first one, if all words before it are in order.
struct UnknownNotify {
  std::string_view word, value;
};
[[nodiscard]] std::optional<UnknownNotify> find_unknown_notify(std::span<const std::string_view> words);

}  // namespace smtpd
