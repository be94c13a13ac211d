#pragma once
// The Received: header that smtpd puts on top of a message (RFC 5321 section 4.4), and what may stand in it.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "smtpd/client.h"
#include "smtpd/tls_site.h"

namespace smtpd {

struct ReceivedFacts {
  const Client& client;
  std::string_view helo;           // as kept; empty when the client sent none
  std::string_view protocol;       // "SMTP", "ESMTP"
  const tls::Facts* tls = nullptr; // to be told of
  bool is_encrypted = false;
  bool asked_certificate = false;
  std::optional<std::string_view> login{};   // who has logged in
  bool shows_login = false;        // smtpd_sasl_authenticated_header
  bool smtputf8 = false;
  bool hide_client = false;        // smtpd_hide_client_session
  std::string_view myhostname, mail_name, queue_id;
  std::string_view only_recipient; // internal form; empty when there is not exactly one
  Stamp arrived;
};

// The header's lines, separated by '\n': "Received: from ...\n\tby ...\n\tfor <...>; date".
[[nodiscard]] std::string received_header(const ReceivedFacts& facts);

// HELO's name as it is kept for logs and headers: what could be taken for a part of their syntax has become '?'.
[[nodiscard]] std::string neutral_helo(std::string_view name);

}  // namespace smtpd
