#include "lib/auth/wire.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace auth {
namespace {

constexpr char escape = '\1';

struct Escape {
  char plain, written;
};
constexpr Escape escapes[] = {{'\0', '0'}, {escape, '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};

}  // namespace

std::string escape_field(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto* const row = std::ranges::find(escapes, c, &Escape::plain);
    if (row != std::end(escapes)) {
      out += escape;
      out += row->written;
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescape_field(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != escape || i + 1 == field.size()) {
      out += field[i];
      continue;
    }
    const auto* const row = std::ranges::find(escapes, field[++i], &Escape::written);
    out += row != std::end(escapes) ? row->plain : field[i];
  }
  return out;
}

WireLine WireLine::parse(std::string_view line) {
  WireLine out;
  std::size_t end = line.find('\t');
  out.command = line.substr(0, end);
  while (end != std::string_view::npos) {
    line.remove_prefix(end + 1);
    end = line.find('\t');
    out.fields.push_back(line.substr(0, end));
  }
  return out;
}

std::optional<std::uint32_t> WireLine::id() const {
  if (fields.empty()) return std::nullopt;
  const auto number = ascii::parse_number(fields.front(), UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool WireLine::has(std::string_view word) const { return std::ranges::find(fields, word) != fields.end(); }

std::optional<std::string> WireLine::value(std::string_view name) const {
  for (const std::string_view field : fields) {
    if (field.starts_with(name) && field.substr(name.size()).starts_with('=')) return unescape_field(field.substr(name.size() + 1));
  }
  return std::nullopt;
}

}  // namespace auth
