#include "lib/config/logical_lines.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace config {

bool is_comment_or_blank(std::string_view line) {
  const std::string_view rest = ascii::trim(line);
  return rest.empty() || rest.front() == '#';
}

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (is_comment_or_blank(line)) continue;
    if (ascii::is_space(line.front()) && !lines.empty()) {
      lines.back().text += line;
      lines.back().last = number;
    } else {
      lines.push_back({std::string(line), number, number, ascii::is_space(line.front())});
    }
  }
  return lines;
}

std::string stray_line_text(std::string_view file, const LogicalLine& line) {
  return fmt::format("{}: logical line must not start with whitespace: \"{}\"", file, line.text);
}

}  // namespace config
