#pragma once
// One line of a mail log, in parts.

#include <optional>
#include <string_view>

namespace collate {

struct LogLine {
  std::string_view host;      // with the process, what a process is known by
  std::string_view program;   // "smtpd", the last part of the tag
  std::string_view process;   // the number in brackets
  std::string_view queue_id;  // empty when the text does not begin with one
  std::string_view text;      // behind the queue id and its colon
};

// None for a line of another program, or that is no log line. Both time stamps are known: "Nov 28 01:00:00", and the
// one of RFC 3339 without blanks. The views point into `line`.
[[nodiscard]] std::optional<LogLine> parse(std::string_view line);

// Whether a word has the form of a queue id.
[[nodiscard]] bool is_queue_id(std::string_view word);

}  // namespace collate
