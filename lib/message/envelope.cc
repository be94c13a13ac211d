#include "lib/message/envelope.h"

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"

namespace message {
namespace {

struct AddressField {
  std::string_view name;
  std::vector<Address> Envelope::*addresses;
};
constexpr std::array address_fields{AddressField{"from", &Envelope::from}, AddressField{"sender", &Envelope::sender},
                                    AddressField{"reply-to", &Envelope::reply_to}, AddressField{"to", &Envelope::to},
                                    AddressField{"cc", &Envelope::cc}, AddressField{"bcc", &Envelope::bcc}};

struct TextField {
  std::string_view name;
  NString Envelope::*text;
};
constexpr std::array text_fields{TextField{"date", &Envelope::date}, TextField{"in-reply-to", &Envelope::in_reply_to},
                                 TextField{"message-id", &Envelope::message_id}};
constexpr std::size_t longest_name = 11;  // in-reply-to

}  // namespace

Envelope Envelope::parse(std::string_view header) {
  Envelope envelope;
  Fields fields(header);
  while (const auto field = fields.next()) {
    if (field->name.size() > longest_name) continue;
    const std::string name = ascii::lowercase(field->name);
    if (const auto* found = std::ranges::find(address_fields, name, &AddressField::name); found != address_fields.end()) {
      append_addresses(envelope.*found->addresses, field->value);
    } else if (const auto* text = std::ranges::find(text_fields, name, &TextField::name); text != text_fields.end()) {
      envelope.*text->text = one_line(field->value);
    } else if (name == "subject") {
      envelope.subject = field->value.substr(std::min(field->value.find_first_not_of(" \t"), field->value.size()));
    }
  }
  if (envelope.sender.empty()) envelope.sender = envelope.from;
  if (envelope.reply_to.empty()) envelope.reply_to = envelope.from;
  return envelope;
}

}  // namespace message
