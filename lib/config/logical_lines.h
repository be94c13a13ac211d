#pragma once
// The lines of main.cf and master.cf as both read them: a line that begins with white space continues the one before;
// empty lines and lines whose first character other than white space is '#' are not there, even between a line and its
// continuation.

#include <string>
#include <string_view>
#include <vector>

namespace config {

struct LogicalLine {
  std::string text;      // continuation lines are joined by their own white space
  int first = 0;         // physical lines, from 1
  int last = 0;
  bool is_stray = false;  // begins with white space but there is nothing before it that it could continue
};

[[nodiscard]] std::vector<LogicalLine> logical_lines(std::string_view text);

// What to tell of a stray line, as Postfix does.
[[nodiscard]] std::string stray_line_text(std::string_view file, const LogicalLine& line);

// Whether a physical line belongs to no logical one.
[[nodiscard]] bool is_comment_or_blank(std::string_view line);

}  // namespace config
