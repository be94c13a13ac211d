#include "smtpd/command.h"

#include <cstdint>

#include "lib/base/ascii.h"

namespace smtpd {
namespace {

// A chunk of more than this cannot be counted safely everywhere; no message_size_limit comes near it.
constexpr std::uint64_t chunk_size_max = INT64_MAX / 2;

// The end of the path at the start of `text`: the first space outside of <>, quotes and escapes. npos: unbalanced.
std::size_t path_end(std::string_view text) {
  bool in_brackets = false, in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') ++i;
    else if (c == '"') in_quotes = !in_quotes;
    else if (in_quotes) continue;
    else if (c == '<') in_brackets = true;
    else if (c == '>') in_brackets = false;
    else if (ascii::is_space(c) && !in_brackets && c != '\r') return i;
  }
  return in_brackets || in_quotes ? std::string_view::npos : text.size();
}

}  // namespace

Command Command::parse(std::string_view line) {
  line = line.substr(0, line.find('\0'));
  const std::string_view text = ascii::trim(line);
  std::size_t end = 0;
  while (end < text.size() && !ascii::is_space(text[end])) ++end;
  return {text.substr(0, end), ascii::trim(text.substr(end)), line};
}

std::vector<std::string_view> Command::words() const { return ascii::split(rest, " \t\v\f\r\n"); }

PathArgument PathArgument::parse(std::string_view rest, std::string_view keyword) {
  if (!ascii::starts_with_ignoring_case(rest, keyword)) return {};
  rest = ascii::trim(rest.substr(keyword.size()));
  if (rest.empty()) return {};
  const std::size_t end = path_end(rest);
  if (end == std::string_view::npos) return {.form = Form::unbalanced, .path = rest, .parameters = {}};
  PathArgument argument{.form = Form::ok, .path = rest.substr(0, end), .parameters = ascii::split(rest.substr(end), " \t")};
  if (argument.parameters.size() > parameter_limit) argument.parameters.resize(parameter_limit + 1);
  return argument;
}

std::optional<ChunkArgument> ChunkArgument::parse(const Command& command) {
  const auto words = command.words();
  if (words.empty() || words.size() > 2) return std::nullopt;
  if (words.size() == 2 && !ascii::equal_ignoring_case(words[1], "LAST")) return std::nullopt;
  const auto size = ascii::parse_number(words[0], chunk_size_max);
  if (!size) return std::nullopt;
  return ChunkArgument{.size = static_cast<std::size_t>(*size), .is_last = words.size() == 2};
}

}  // namespace smtpd
