#include "smtpd/macros.h"

#include "lib/mail/address.h"

namespace smtpd {

// The null sender is shown as it is written.
std::optional<std::string> macro_value(std::string_view name, const MacroFacts& facts) {
  constexpr std::string_view null_sender = "<>";
  const std::string_view sender = !facts.sender ? std::string_view() : facts.sender->empty() ? null_sender : *facts.sender;
  if (name == "client") return facts.client.name_and_address;
  if (name == "client_address") return facts.client.address;
  if (name == "client_name") return facts.client.name;
  if (name == "client_port") return facts.client.port;
  if (name == "reverse_client_name") return facts.client.reverse_name;
  if (name == "helo_name") return std::string(facts.helo);
  if (name == "server_name") return std::string(facts.server_name);
  if (name == "sender") return std::string(sender);
  if (name == "sender_name") return std::string(mail::split(sender).local);
  if (name == "sender_domain") return std::string(mail::split(sender).domain);
  if (name == "recipient") return std::string(facts.recipient);
  if (name == "recipient_name") return std::string(mail::split(facts.recipient).local);
  if (name == "recipient_domain") return std::string(mail::split(facts.recipient).domain);
  return std::nullopt;
}

}  // namespace smtpd
