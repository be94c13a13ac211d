#pragma once
// What a table of header_checks(5) or body_checks(5) says of a line: an action and its text.

#include <string>
#include <string_view>

namespace mail {

struct CheckRule {
  enum class Action {
    none,      // no action, or one that cannot be used
    reject, warn, info, hold, discard, filter, redirect, bcc,
    prepend, replace, ignore,
    strip,     // as ignore, and told in the log
    pass,      // no further checks of this message
  };
  Action action = Action::none;
  std::string text;
};

enum class CheckedText { header, body };

// `table` names the parameter, for `warning`: why the action cannot be used. For a text that must be a header field, or an
// address, that is seen here.
[[nodiscard]] CheckRule parse_check_rule(std::string_view result, std::string_view table, CheckedText checked, std::string& warning);

// The first word of the log's line.
[[nodiscard]] std::string_view check_name(CheckRule::Action action);

// The parameter among header_checks, mime_header_checks and nested_header_checks whose table sees a field.
enum class CheckedField { header, mime, nested };
// `is_part`: of a part's header; `is_attached`: of an attached message's.
[[nodiscard]] CheckedField checked_field(std::string_view name, bool is_part, bool is_attached);

}  // namespace mail
