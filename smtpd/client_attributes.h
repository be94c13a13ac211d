#pragma once
// What XCLIENT and XFORWARD say of another client: NAME=value words, the values in xtext (RFC 3461 section 4). Pure: words in,
// values or the refusal out.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dns/resolver.h"
#include "smtpd/reply.h"

namespace smtpd {

enum class ClientAttribute { name, address, protocol, helo, reverse_name, port, login, server_address, server_port, ident, source };

// One word. The value is none for "[UNAVAILABLE]", and for a name that nobody could tell now, which may come yet. An address has
// no prefix, a protocol is in capitals, and what goes into logs and headers as it stands is fit for them.
struct ClientFact {
  ClientAttribute attribute;
  std::optional<std::string> value;
  bool may_come = false;
};

enum class ClientVerb { xclient, xforward };

// What EHLO announces, and which words are taken: "XCLIENT NAME ADDR ...".
[[nodiscard]] std::string attribute_names(ClientVerb verb);

// All words are in order, or none counts.
[[nodiscard]] std::expected<std::vector<ClientFact>, Reply> parse_client_facts(ClientVerb verb, std::span<const std::string_view> words,
                                                                               dns::Families families);

}  // namespace smtpd
