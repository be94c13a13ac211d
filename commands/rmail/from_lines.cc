#include "commands/rmail/from_lines.h"

#include <algorithm>

#include <fmt/format.h>

namespace rmail {
namespace {

constexpr std::string_view from = "From ", quoted_from = ">From ", remote_from = "remote from ";
constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view word_at_start(std::string_view text) { return text.substr(0, std::min(text.find_first_of(blanks), text.size())); }

}  // namespace

void FromLines::add_system(std::string_view name) {
  if (!has_system_) system_ = name;
  has_system_ = true;
  path_.append(name).append("!");
}

Result<FromLines::Taken> FromLines::take(std::string_view line) {
  std::string_view rest = line;
  if (rest.starts_with(from)) rest.remove_prefix(from.size());
  else if (rest.starts_with(quoted_from)) rest.remove_prefix(quoted_from.size());
  else if (has_line_) return Taken::is_content;
  else return base::fail(fmt::format("missing or empty From line: {}", line));
  if (rest.empty()) return base::fail(fmt::format("corrupted From line: {}", line));
  has_line_ = true;

  const std::string_view address = word_at_start(rest);
  const std::size_t remote = rest.find(remote_from, address.size());
  const std::size_t bang = address.rfind('!');
  if (remote != std::string_view::npos) {
    add_system(word_at_start(rest.substr(remote + remote_from.size())));
    user_ = address;
  } else if (bang == 0) {
    return base::fail(fmt::format("bang starts address: {}", rest));
  } else if (bang != std::string_view::npos) {
    add_system(address.substr(0, bang));
    user_ = address.substr(bang + 1);
  } else {
    user_ = address;
  }
  if (user_.empty()) user_ = "<>";
  return Taken::yes;
}

}  // namespace rmail
