#include "smtpd/received.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"

namespace smtpd {
namespace {

// A stranger's text within parentheses (RFC 5322 section 3.2.2).
std::string in_comment(std::string_view text) {
  std::string out = ascii::printable(text);
  for (char& c : out) {
    if (c == '(' || c == ')' || c == '\\') c = '?';
  }
  return out;
}

// The "with" of RFC 3848 and RFC 6531.
std::string protocol_keyword(const ReceivedFacts& facts) {
  const bool is_extended = facts.protocol == "ESMTP";
  std::string keyword(facts.smtputf8 && is_extended ? "UTF8SMTP" : facts.protocol);
  if (is_extended && facts.is_encrypted) keyword += 'S';
  if (is_extended && facts.login) keyword += 'A';
  return keyword;
}

}  // namespace

std::string received_header(const ReceivedFacts& facts) {
  std::string out;
  if (facts.hide_client) {
    out = fmt::format("Received: by {} ({})", facts.myhostname, facts.mail_name);
  } else {
    out = fmt::format("Received: from {} ({} [{}]){}", facts.helo.empty() ? std::string_view(facts.client.name) : facts.helo, facts.client.name,
                      facts.client.address_literal(), facts.tls == nullptr ? "" : received_lines(*facts.tls, facts.asked_certificate));
    if (facts.login && facts.shows_login) out += fmt::format("\n\t(Authenticated sender: {})", in_comment(*facts.login));
    out += fmt::format("\n\tby {} ({}) with {}", facts.myhostname, facts.mail_name, protocol_keyword(facts));
  }
  if (!facts.queue_id.empty()) out += fmt::format(" id {}", facts.queue_id);
  const std::string date = mail::rfc5322_date(facts.arrived);
  if (facts.only_recipient.empty()) out += fmt::format(";\n\t{}", date);
  else out += fmt::format("\n\tfor <{}>; {}", mail::to_external(facts.only_recipient), date);
  return out;
}

std::string neutral_helo(std::string_view name) {
  constexpr std::string_view special = " <>()\\\";@";
  std::string out = ascii::printable(name);
  for (char& c : out) {
    if (special.contains(c)) c = '?';
  }
  return out;
}

}  // namespace smtpd
