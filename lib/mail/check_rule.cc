#include "lib/mail/check_rule.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace mail {
namespace {

using Action = CheckRule::Action;

// What the text of an action must be.
enum class Needs { nothing, text, destination, address };

struct Row {
  std::string_view verb;
  Action action;
  Needs needs;
  std::string_view told;
};
constexpr std::array rows{
    Row{"DUNNO", Action::none, Needs::nothing, ""},
    Row{"OK", Action::none, Needs::nothing, ""},
    Row{"REJECT", Action::reject, Needs::nothing, "reject"},
    Row{"WARN", Action::warn, Needs::nothing, "warning"},
    Row{"INFO", Action::info, Needs::nothing, "info"},
    Row{"HOLD", Action::hold, Needs::nothing, "hold"},
    Row{"DISCARD", Action::discard, Needs::nothing, "discard"},
    Row{"FILTER", Action::filter, Needs::destination, "filter"},
    Row{"REDIRECT", Action::redirect, Needs::address, "redirect"},
    Row{"BCC", Action::bcc, Needs::address, "bcc"},
    Row{"PREPEND", Action::prepend, Needs::text, "prepend"},
    Row{"REPLACE", Action::replace, Needs::text, "replace"},
    Row{"IGNORE", Action::ignore, Needs::nothing, ""},
    Row{"STRIP", Action::strip, Needs::nothing, "strip"},
    Row{"PASS", Action::pass, Needs::nothing, "pass"},
};

// Fields of the message's own header that mime_header_checks see.
constexpr std::array<std::string_view, 6> mime_fields{"Content-Description", "Content-Disposition", "Content-Id",
                                                      "Content-Transfer-Encoding", "Content-Type", "MIME-Version"};

// What is wrong with the text of an action, or nothing.
std::string complaint(const Row& row, std::string_view text, std::string_view table, CheckedText checked) {
  switch (row.needs) {
    case Needs::nothing: return {};
    case Needs::destination:
      if (text.empty()) return fmt::format("missing {} command argument in {} map", row.verb, table);
      return text.contains(':') ? "" : fmt::format("bad {} command {} in {} -- need transport:destination", row.verb, text, table);
    case Needs::address:
      if (text.contains('@')) return {};
      return fmt::format("bad {} {} \"{}\" in {} map -- need user@domain", row.verb, row.action == Action::bcc ? "address" : "target", text, table);
    case Needs::text:
      if (text.empty()) return fmt::format("{} action without text in {} map", row.verb, table);
      if (checked == CheckedText::body || split_header(text)) return {};
      return fmt::format("bad {} header text \"{}\" in {} map -- need \"headername: headervalue\"", row.verb, text, table);
  }
  return {};
}

}  // namespace

CheckRule parse_check_rule(std::string_view result, std::string_view table, CheckedText checked, std::string& warning) {
  result = ascii::trim(result);
  const std::size_t end = std::min(result.find_first_of(" \t"), result.size());
  const std::string_view verb = result.substr(0, end), text = ascii::trim(result.substr(end));
  const auto row = std::ranges::find_if(rows, [&](const Row& each) { return ascii::equal_ignoring_case(each.verb, verb); });
  if (row == rows.end()) {
    warning = fmt::format("unknown command in {} map: {}", table, result);
    return {};
  }
  warning = complaint(*row, text, table, checked);
  if (!warning.empty()) return {};
  return {row->action, std::string(text)};
}

std::string_view check_name(Action action) {
  const auto row = std::ranges::find_if(rows, [&](const Row& each) { return each.action == action; });
  return row->told;
}

CheckedField checked_field(std::string_view name, bool is_part, bool is_attached) {
  const bool is_mime = std::ranges::any_of(mime_fields, [&](std::string_view each) { return ascii::equal_ignoring_case(each, name); });
  if (is_mime || (is_part && !is_attached)) return CheckedField::mime;
  return is_attached ? CheckedField::nested : CheckedField::header;
}

}  // namespace mail
