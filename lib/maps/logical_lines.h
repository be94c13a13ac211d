#pragma once
// The line syntax that all table files share: empty lines, lines of white space and lines whose first other character is
// '#' are dropped; a line that starts with white space continues the one before it, also over dropped lines.

#include <optional>
#include <string>
#include <string_view>

namespace maps {

struct LogicalLine {
  std::string_view text;  // lives until the next call; without the last newline, continuation space kept
  int number;             // of its first line in the file
};

class LogicalLines {
 public:
  // `file` is for the warning about a continuation of nothing. Both must outlive this.
  LogicalLines(std::string_view text, std::string_view file) : rest_(text), file_(file) {}
  [[nodiscard]] std::optional<LogicalLine> next();
  // The number of the last line read: where an IF without ENDIF is reported.
  [[nodiscard]] int line() const { return number_; }

 private:
  std::optional<std::string_view> physical_line();

  std::string_view rest_, file_;
  std::string joined_;
  int number_ = 0;
};

}  // namespace maps
