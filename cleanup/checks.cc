#include "cleanup/checks.h"

#include <utility>

#include <fmt/format.h>

#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn.h"

namespace cleanup {
namespace {

using Action = mail::CheckRule::Action;

constexpr std::string_view no_reason = "message content rejected";

// "5.7.1 text": with the code that the text begins with, or one that says why.
std::string refusal_text(std::string_view text) {
  const auto dsn = mail::Dsn::parse_prefix(text);
  if (dsn && !dsn->is_success()) return fmt::format("{} {}", dsn->text(), text);
  return fmt::format("5.7.1 {}", text.empty() ? no_reason : text);
}

}  // namespace

Checks::Change Checks::field(std::string_view text, std::string_view name, bool is_part, bool is_attached) {
  switch (mail::checked_field(name, is_part, is_attached)) {
    case mail::CheckedField::header: return look_up(maps_.header, "header_checks", mail::CheckedText::header, text);
    case mail::CheckedField::mime: return look_up(maps_.mime, "mime_header_checks", mail::CheckedText::header, text);
    case mail::CheckedField::nested: return look_up(maps_.nested, "nested_header_checks", mail::CheckedText::header, text);
  }
  std::unreachable();
}

Checks::Change Checks::body_line(std::string_view data, std::size_t offset) {
  if (data.empty() || offset >= maps_.body_size_limit) return {{}, std::string(data)};
  return look_up(maps_.body, "body_checks", mail::CheckedText::body, data);
}

Checks::Change Checks::look_up(const maps::Maps& maps, std::string_view parameter, mail::CheckedText checked, std::string_view text) {
  Change unchanged{{}, std::string(text)};
  if (is_over() || maps.empty()) return unchanged;
  const auto found = maps.lookup(text);
  if (!found) {
    maillog::warning("{}", found.error().message());
    failure_ = fmt::format("{} map lookup problem -- message not accepted, try again later", parameter);
    return unchanged;
  }
  if (!*found) return unchanged;
  std::string warning;
  mail::CheckRule rule = mail::parse_check_rule(**found, parameter, checked, warning);
  if (!warning.empty()) maillog::warning("{}", warning);
  if (rule.action == Action::reject) rule.text = refusal_text(rule.text);
  tell(rule, rule.text, checked, text);
  return apply(rule, text);
}

Checks::Change Checks::apply(const mail::CheckRule& rule, std::string_view text) {
  Change change{{}, std::string(text)};
  switch (rule.action) {
    case Action::none:
    case Action::warn:
    case Action::info: break;
    case Action::reject: refusal_ = rule.text; break;
    case Action::hold: is_held_ = true; break;
    case Action::discard: is_discarded_ = true; break;
    case Action::pass: is_passed_ = true; break;
    case Action::filter: filter_ = rule.text; break;
    case Action::redirect:
      redirect_ = rule.text;
      is_passed_ = true;
      break;
    case Action::bcc: copies_.push_back(rule.text); break;
    case Action::prepend: change.before = rule.text; break;
    case Action::replace: change.text = rule.text; break;
    case Action::ignore:
    case Action::strip: change.text.reset(); break;
  }
  return change;
}

void Checks::tell(const mail::CheckRule& rule, std::string_view note, mail::CheckedText checked, std::string_view text) const {
  const std::string_view action = mail::check_name(rule.action);
  if (action.empty()) return;
  const std::string sender = mail::to_external(message_.sender), recipient = mail::to_external(message_.recipient);
  maillog::write(maillog::CheckLine{.queue_id = message_.queue_id,
                                    .action = action,
                                    .part = checked == mail::CheckedText::header ? "header" : "body",
                                    .text = text,
                                    .origin = message_.origin,
                                    .sender = sender,
                                    .recipient = recipient,
                                    .protocol = message_.protocol,
                                    .helo = message_.helo,
                                    .note = note});
}

}  // namespace cleanup
