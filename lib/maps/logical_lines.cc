#include "lib/maps/logical_lines.h"

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace maps {
namespace {

bool is_dropped(std::string_view line) {
  const std::string_view text = ascii::trim(line);
  return text.empty() || text.front() == '#';
}

}  // namespace

std::optional<std::string_view> LogicalLines::physical_line() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    if (!is_dropped(line)) return line;
  }
  return std::nullopt;
}

std::optional<LogicalLine> LogicalLines::next() {
  for (;;) {
    const auto first = physical_line();
    if (!first) return std::nullopt;
    const int first_number = number_;
    std::string_view text = *first;
    bool joined = false;
    for (;;) {
      const std::string_view rest_before = rest_;
      const int number_before = number_;
      const auto more = physical_line();
      if (!more) break;
      if (!ascii::is_space(more->front())) {
        rest_ = rest_before;
        number_ = number_before;
        break;
      }
      if (!joined) joined_ = text;
      joined_ += *more;
      text = joined_;
      joined = true;
    }
    if (!ascii::is_space(text.front())) return LogicalLine{text, first_number};
    maillog::warning("{}: logical line must not start with whitespace: \"{}\"", file_, text.substr(0, 30));
  }
}

}  // namespace maps
