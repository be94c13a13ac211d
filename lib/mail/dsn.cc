#include "lib/mail/dsn.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace mail {
namespace {

constexpr std::size_t number_digits = 3;  // RFC 3463 section 2: subject and detail

// The number at the start of `text`, taken away; none when there is no digit or more than number_digits.
std::optional<int> take_number(std::string_view& text) {
  std::size_t length = 0;
  int value = 0;
  while (length < text.size() && ascii::is_digit(text[length])) {
    if (length == number_digits) return std::nullopt;
    value = value * 10 + (text[length] - '0');
    ++length;
  }
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<Dsn> Dsn::parse_prefix(std::string_view& text) {
  std::string_view rest = text;
  if (rest.empty() || (rest[0] != '2' && rest[0] != '4' && rest[0] != '5')) return std::nullopt;
  const int cls = rest[0] - '0';
  rest.remove_prefix(1);
  if (!take(rest, '.')) return std::nullopt;
  const auto subject = take_number(rest);
  if (!subject || !take(rest, '.')) return std::nullopt;
  const auto detail = take_number(rest);
  if (!detail || (!rest.empty() && !ascii::is_space(rest.front()))) return std::nullopt;
  while (!rest.empty() && ascii::is_space(rest.front())) rest.remove_prefix(1);
  text = rest;
  return Dsn(cls, *subject, *detail);
}

std::optional<Dsn> Dsn::parse(std::string_view text) {
  const auto dsn = parse_prefix(text);
  return text.empty() ? dsn : std::nullopt;
}

std::string Dsn::text() const { return fmt::format("{}.{}.{}", class_, subject_, detail_); }

}  // namespace mail
