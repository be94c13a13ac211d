#include "cleanup/checks.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/mail/dsn.h"

namespace cleanup {
namespace {

using Action = mail::CheckRule::Action;

constexpr std::string_view no_reason = "message content rejected";
constexpr std::size_t fault_shown = 100;  // bytes of the text that has the fault

std::string_view reason_of(mail::MimeFault fault) {
  switch (fault) {
    case mail::MimeFault::eight_bit_header: return "improper use of 8-bit data in message header";
    case mail::MimeFault::eight_bit_body: return "improper use of 8-bit data in message body";
    case mail::MimeFault::encoded_container: return "invalid message/* or multipart/* encoding domain";
  }
  std::unreachable();
}

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

std::optional<std::string> Checks::milter_field(std::string_view text) {
  const Change change = look_up(maps_.milter, "milter_header_checks", mail::CheckedText::header, text);
  if (change.before) maillog::warning("the milter_header/body_checks prepend action is not implemented");
  return change.text;
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
  if (&maps == &maps_.milter && (rule.action == Action::pass || warning.starts_with("unknown command"))) {
    warning = fmt::format("unsupported command in {} map: {}", parameter, **found);
    rule = {};
  }
  if (!warning.empty()) maillog::warning("{}", warning);
  if (rule.action == Action::reject) rule.text = refusal_text(rule.text);
  if (const std::string_view name = mail::check_name(rule.action); !name.empty()) {
    tell(name, checked == mail::CheckedText::header ? "header" : "body", text, rule.text, Detail::with_client);
  }
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

void Checks::refuse_character(std::string_view text) {
  if (is_over()) return;
  refusal_ = "5.7.1 disallowed character";
  tell("reject", "content", text.substr(0, text.find('\0')), refusal_, Detail::with_client);
}

void Checks::refuse_fault(mail::MimeFault fault, std::string_view text) {
  if (is_over() || std::ranges::find(faults_told_, fault) != faults_told_.end()) return;
  faults_told_.push_back(fault);
  const std::string_view reason = reason_of(fault);
  if (fault_.empty()) fault_ = fmt::format("5.6.0 {}", reason);
  tell("reject", fmt::format("mime-error {}:", reason), text.substr(0, fault_shown), "", Detail::short_form);
}

void Checks::tell(std::string_view action, std::string_view what, std::string_view text, std::string_view note, Detail detail) const {
  const bool with_client = detail == Detail::with_client;
  const std::string sender = mail::logged_address(message_.sender), recipient = mail::logged_address(message_.recipient);
  const std::string whole_action = message_.prefix + std::string(action);
  maillog::write(maillog::CheckLine{.queue_id = message_.queue_id,
                                    .action = whole_action,
                                    .part = what,
                                    .text = text,
                                    .origin = message_.origin,
                                    .sender = sender,
                                    .recipient = recipient,
                                    .protocol = with_client ? message_.protocol : "",
                                    .helo = with_client ? message_.helo : "",
                                    .note = note});
}

}  // namespace cleanup
