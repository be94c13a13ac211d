#include "commands/postfix-collate/log_line.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace collate {
namespace {

constexpr std::size_t id_length_min = 6;
constexpr std::string_view stamp_example = "Nov 28 01:00:00 ";

// The next word, taken off together with the blank behind it.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

bool take_stamp(std::string_view& line) {
  if (line.empty()) return false;
  if (ascii::is_digit(line.front())) return take_word(line).contains('T');
  if (line.size() < stamp_example.size() || line[3] != ' ' || line[9] != ':' || line[12] != ':' || line[15] != ' ') return false;
  line.remove_prefix(stamp_example.size());
  return true;
}

}  // namespace

bool is_queue_id(std::string_view word) {
  // Labels of the log look like long queue ids.
  for (const std::string_view label : {"NOQUEUE", "warning", "statistics"}) {
    if (word == label) return false;
  }
  return word.size() >= id_length_min && std::ranges::all_of(word, ascii::is_alnum);
}

std::optional<LogLine> parse(std::string_view line) {
  if (!take_stamp(line)) return std::nullopt;
  LogLine out{};
  out.host = take_word(line);
  const std::string_view tag = take_word(line);
  const std::size_t open = tag.find('['), close = tag.find("]:");
  if (!tag.starts_with("postfix") || open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  const std::size_t slash = tag.rfind('/', open);
  if (slash == std::string_view::npos) return std::nullopt;
  out.program = tag.substr(slash + 1, open - slash - 1);
  out.process = tag.substr(open + 1, close - open - 1);
  out.text = line;
  const std::size_t colon = line.find(": ");
  if (colon != std::string_view::npos && is_queue_id(line.substr(0, colon))) {
    out.queue_id = line.substr(0, colon);
    out.text = line.substr(colon + 2);
  }
  return out;
}

}  // namespace collate
