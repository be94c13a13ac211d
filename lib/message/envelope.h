#pragma once
// A message's ENVELOPE (RFC 3501 section 7.4.2): what its header says, as it stands, nothing decoded.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace message {

using NString = std::optional<std::string>;

// An address of IMAP. A group's start has a mailbox and no host, its end has neither.
struct Address {
  NString name, route, mailbox, host;

  friend bool operator==(const Address&, const Address&) = default;
};

constexpr std::size_t address_limit = 10000;  // of one field; the others are not looked at

// Appends the addresses of a field's value, folded as it came (RFC 5322 section 3.4 with the obsolete forms). Never fails: what is
// wrong is shown by names such as MISSING_DOMAIN, as in Dovecot, and so is what is taken as which part.
void append_addresses(std::vector<Address>& to, std::string_view value);

struct Envelope {
  NString date;
  NString subject;  // folded as it stands
  std::vector<Address> from, sender, reply_to, to, cc, bcc;
  NString in_reply_to, message_id;

  // From the header of the message or of an attached one. Sender and reply-to are from's when they are not there. Addresses of
  // fields of the same name are put together; of other fields the last one counts.
  static Envelope parse(std::string_view header);
};

}  // namespace message
