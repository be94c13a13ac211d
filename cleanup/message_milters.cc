// What milters ask of a message when it is finished, and what they decide.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cleanup/lookup.h"
#include "cleanup/message.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"

namespace cleanup {
namespace {

using ipc::CleanupStatus;
using queue::RecordType;

// "NAME=value"; the value is empty where there is none.
std::pair<std::string_view, std::string_view> name_and_value(std::string_view word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  return {word.substr(0, equals), word.substr(std::min(equals + 1, word.size()))};
}

bool has_control(std::string_view text) { return std::ranges::any_of(text, ascii::is_control); }

}  // namespace

CheckedMessage Message::checked(std::string prefix) const {
  return {.queue_id = identity_.queue_id, .origin = origin_, .sender = sender_, .recipient = recipient_, .protocol = protocol_, .helo = helo_,
          .prefix = std::move(prefix)};
}

std::string_view Message::fact(std::string_view name) const {
  const auto found = std::ranges::find(facts_, name, &std::pair<std::string, std::string>::first);
  return found == facts_.end() ? std::string_view() : std::string_view(found->second);
}

Result<Message::NewSender> Message::change_sender(std::string internal, std::string_view arguments) {
  if (has_control(internal)) return base::fail("a milter's sender has control characters");
  auto address = TRY(rewrite_internal(addresses_, std::move(internal)));
  sender_ = TRY(canonical(AddressPlace::envelope_sender, std::move(address)));
  if (!ascii::is_ascii(sender_)) is_utf8_envelope_ = true;
  NewSender out{.address = sender_, .ret = {}, .envelope_id = {}};
  for (const std::string_view word : ascii::split(arguments, " \t\r\n")) {
    const auto [name, value] = name_and_value(word);
    const auto ret = ascii::equal_ignoring_case(name, "RET") ? mail::ret::parse(value) : std::nullopt;
    const auto envelope_id = mail::decode_xtext(value);
    if (ret) {
      dsn_ret_ = *ret;
      out.ret = std::to_string(dsn_ret_);
    } else if (ascii::equal_ignoring_case(name, "ENVID") && envelope_id && !envelope_id->empty()) {
      out.envelope_id = envelope_id_ = *envelope_id;
    } else {
      maillog::warning("Ignoring bad ESMTP parameter \"{}\" in SMFI_CHGFROM request", ascii::printable(word));
    }
  }
  return out;
}

Result<void> Message::add_recipient(const std::string& internal, std::string_view text) {
  if (internal.empty()) {
    maillog::warning("{}: ignoring attempt from Milter to add null recipient", identity_.queue_id);
    return {};
  }
  if (has_control(internal)) return base::fail("a milter's recipient has control characters");
  int notify = 0;
  std::string original;
  for (const std::string_view word : ascii::split(text, " \t\r\n")) {
    const auto [name, value] = name_and_value(word);
    const auto bits = ascii::equal_ignoring_case(name, "NOTIFY") ? mail::notify::parse(value) : std::nullopt;
    const auto address = ascii::equal_ignoring_case(name, "ORCPT") ? mail::parse_orcpt(value) : std::nullopt;
    if (bits) notify = *bits;
    else if (address) original = *address;
    else maillog::warning("{}: ignoring ESMTP argument from Milter or header/body_checks: \"{}\"", identity_.queue_id, ascii::printable(word));
  }
  const auto completed = TRY(rewrite_internal(addresses_, internal));
  const auto address = TRY(canonical(AddressPlace::envelope_recipient, completed));
  return recipients_.add_by_milter(address, original, notify);
}

void Message::refuse(CleanupStatus status, std::string reason, std::string reply) {
  fail(status, std::move(reason));
  reply_ = std::move(reply);
}

void Message::fail_write(const base::Error& error) { unwritten_for(error); }

void Message::take_milter_checks(const Checks& checks) {
  take_verdict(checks);
  if (checks.is_discarded()) discard();
  if (checks.is_held()) hold();
  for (const std::string& address : checks.copies()) add_copy(mail::to_internal(address));
}

}  // namespace cleanup
