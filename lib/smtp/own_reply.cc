#include "lib/smtp/own_reply.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace smtp {

Reply Reply::from_text(std::string_view text, int code, mail::Dsn dsn) {
  std::string_view rest = ascii::trim(text);
  if (rest.size() >= 4 && (rest[0] == '4' || rest[0] == '5') && ascii::is_digit(rest[1]) && ascii::is_digit(rest[2]) &&
      rest[3] == ' ') {
    code = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    rest = ascii::trim(rest.substr(4));
  }
  if (const auto given = mail::Dsn::parse_prefix(rest); given && !given->is_success()) dsn = *given;
  // The two codes say the same: the enhanced one decides when only it was given.
  if (code / 100 != dsn.cls()) dsn = dsn.with_class(code / 100);
  return {code, fmt::format("{} {}", dsn.text(), ascii::trim(rest))};
}

std::string Reply::text() const { return fmt::format("{} {}", code_, ascii::printable(text_)); }

std::string Reply::wire() const {
  std::string out;
  std::string_view rest = text_;
  for (;;) {
    const std::size_t end = rest.find('\n');
    const bool is_last = end == std::string_view::npos;
    out += fmt::format("{}{}{}\r\n", code_, is_last ? ' ' : '-', ascii::printable(rest.substr(0, end)));
    if (is_last) return out;
    rest.remove_prefix(end + 1);
  }
}

Reply Reply::softened() const {
  if (code_ < 500 || code_ > 599) return *this;
  std::string text = text_;
  for (std::size_t line = 0;;) {
    std::string_view rest = std::string_view(text).substr(line);
    if (const auto dsn = mail::Dsn::parse_prefix(rest); dsn && dsn->is_permanent()) text[line] = '4';
    const std::size_t end = text.find('\n', line);
    if (end == std::string::npos) break;
    line = end + 1;
  }
  return {code_ - 100, std::move(text), then_};
}

Reply Reply::with_footer(std::string_view footer, Footer begins) && {
  constexpr std::string_view line_break = "\\n";
  std::string_view rest = text_;
  const auto dsn = mail::Dsn::parse_prefix(rest);
  const std::string prefix = dsn ? dsn->text() + " " : std::string();
  bool is_new_line = begins == Footer::on_new_line;
  for (;;) {
    const std::size_t end = footer.find(line_break);
    if (is_new_line) text_ += "\n" + prefix;
    text_ += footer.substr(0, end);
    if (end == std::string_view::npos) return std::move(*this);
    footer.remove_prefix(end + line_break.size());
    is_new_line = true;
  }
}

}  // namespace smtp
