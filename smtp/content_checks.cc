#include "smtp/content_checks.h"

#include <utility>

#include <fmt/format.h>

#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"

namespace smtp {
namespace {

using Action = mail::CheckRule::Action;

// What cannot be done any more when a message is on its way.
bool is_supported(Action action) {
  switch (action) {
    case Action::warn:
    case Action::info:
    case Action::prepend:
    case Action::replace:
    case Action::ignore:
    case Action::strip: return true;
    case Action::none:
    case Action::reject:
    case Action::hold:
    case Action::discard:
    case Action::filter:
    case Action::redirect:
    case Action::bcc:
    case Action::pass: break;
  }
  return false;
}

}  // namespace

ContentChecks::ContentChecks(const ContentCheckMaps& maps, std::string queue_id)
    : maps_(maps), queue_id_(std::move(queue_id)), header_(maps.header_size_limit, *this),
      mime_({maps.mime_nesting_limit, maps.mime_boundary_length_limit}), walk_(&mime_, maps.header_size_limit, *this) {}

void ContentChecks::write(std::string_view piece, bool ends_line, std::vector<Line>& out) {
  out_ = &out;
  if (header_.is_open()) header_.take(piece, ends_line);
  else walk_.take(piece, ends_line);
}

void ContentChecks::finish(std::vector<Line>& out) {
  out_ = &out;
  if (header_.is_open()) header_.finish();
  walk_.finish();
}

void ContentChecks::put(std::string_view text) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out_->push_back({std::string(text.substr(start, end - start)), true});
    start = end + 1;
  }
}

std::optional<std::string> ContentChecks::checked(const maps::Maps& maps, std::string_view name, mail::CheckedText kind,
                                                  std::string_view text) {
  if (maps.empty() || failure_) return std::string(text);
  const auto found = maps.lookup(text);
  if (!found) {
    failure_ = base::Error(fmt::format("{}_{}: {}", maps_.prefix, name, found.error().message()));
    return std::string(text);
  }
  if (!*found) return std::string(text);
  const std::string table = fmt::format("{}_{}", maps_.prefix, name);
  std::string warning;
  const mail::CheckRule rule = mail::parse_check_rule(**found, table, kind, warning);
  const bool is_unknown = warning.starts_with("unknown command") || (rule.action != Action::none && !is_supported(rule.action));
  if (is_unknown) warning = fmt::format("unsupported command in {} map: {}", table, **found);
  if (!warning.empty()) maillog::warning("{}", warning);
  if (!warning.empty() || rule.action == Action::none) return std::string(text);
  if (const std::string_view action = mail::check_name(rule.action); !action.empty()) {
    maillog::write(maillog::CheckLine{.queue_id = queue_id_,
                                      .action = action,
                                      .part = kind == mail::CheckedText::header ? "header" : "body",
                                      .text = text,
                                      .origin = {}, .sender = {}, .recipient = {}, .protocol = {}, .helo = {},
                                      .note = rule.text});
  }
  if (rule.action == Action::prepend) put(rule.text);
  if (rule.action == Action::replace) return rule.text;
  if (rule.action == Action::ignore || rule.action == Action::strip) return std::nullopt;
  return std::string(text);
}

void ContentChecks::check_field(std::string_view text, bool is_part, bool is_attached) {
  const auto parsed = mail::split_header(text);
  const std::string_view name = parsed ? parsed->name : std::string_view();
  std::optional<std::string> kept;
  switch (mail::checked_field(name, is_part, is_attached)) {
    case mail::CheckedField::header: kept = checked(maps_.header, "header_checks", mail::CheckedText::header, text); break;
    case mail::CheckedField::mime: kept = checked(maps_.mime, "mime_header_checks", mail::CheckedText::header, text); break;
    case mail::CheckedField::nested: kept = checked(maps_.nested, "nested_header_checks", mail::CheckedText::header, text); break;
  }
  if (kept) put(*kept);
}

void ContentChecks::field(std::string_view text) {
  mime_.field(text);
  check_field(text, false, false);
}

void ContentChecks::end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) {
  mime_.end_of_header();
  switch (end) {
    case mail::HeaderBlock::End::content: return;
    case mail::HeaderBlock::End::empty_line: out_->push_back({"", true}); return;
    case mail::HeaderBlock::End::text: walk_.take(line, is_whole); return;
  }
}

void ContentChecks::part_field(std::string_view text, bool is_attached) { check_field(text, true, is_attached); }

void ContentChecks::body_line(std::string_view data, bool is_whole, std::size_t) {
  const bool is_start = std::exchange(at_line_start_, is_whole);
  const auto kept = data.empty() ? std::string() : checked(maps_.body, "body_checks", mail::CheckedText::body, data);
  // The end of a line of which a part is on its way already stays.
  if (!kept && (is_start || !is_whole)) return;
  out_->push_back({kept.value_or(""), is_whole});
}

}  // namespace smtp
