#include "smtpd/received.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"

namespace smtpd {

std::string received_header(const ReceivedFacts& facts) {
  std::string out;
  if (facts.hide_client) {
    out = fmt::format("Received: by {} ({}) id {}", facts.myhostname, facts.mail_name, facts.queue_id);
  } else {
    out = fmt::format("Received: from {} ({} [{}])\n\tby {} ({}) with {}{} id {}",
                      facts.helo.empty() ? std::string_view(facts.client.name) : facts.helo, facts.client.name,
                      facts.client.address_literal(), facts.myhostname, facts.mail_name,
                      facts.smtputf8 ? (facts.protocol == "ESMTP" ? "UTF8" : "") : "",
                      facts.smtputf8 && facts.protocol == "ESMTP" ? "SMTP" : facts.protocol, facts.queue_id);
  }
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
