#include "services/authd/users.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/address.h"

namespace authd {
namespace {

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > name_limit || !base::is_utf8(name)) return false;
  for (const char c : name) {
    if (ascii::is_control(c)) return false;
  }
  return true;
}

// Calls `text` for what is written and `variable` for %u and the like.
template <class Text, class Variable>
Result<void> walk(std::string_view format, Text&& text, Variable&& variable) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      text(format[i]);
      continue;
    }
    const bool is_lower = i + 1 < format.size() && format[i + 1] == 'L';
    i += is_lower ? 2 : 1;
    const char letter = i < format.size() ? format[i] : '\0';
    if (letter == '%' && !is_lower) text('%');
    else if (letter == 'u' || letter == 'n' || letter == 'd') variable(letter, is_lower);
    else return base::fail(fmt::format("\"{}\" has a % before what is no variable", format));
  }
  return {};
}

}  // namespace

Result<NameFormat> NameFormat::parse(std::string_view format, std::string_view default_realm) {
  TRY(walk(format, [](char) {}, [](char, bool) {}));
  NameFormat out;
  out.format_ = format;
  out.realm_ = default_realm;
  return out;
}

std::optional<std::string> NameFormat::apply(std::string_view name) const {
  if (!is_name(name)) return std::nullopt;
  std::string whole(name);
  if (!realm_.empty() && !whole.contains('@')) whole += "@" + realm_;
  const std::size_t at = std::min(whole.rfind('@'), whole.size());
  std::string out;
  const auto add = [&](char letter, bool is_lower) {
    std::string value = letter == 'u' ? whole : letter == 'n' ? whole.substr(0, at) : whole.substr(std::min(at + 1, whole.size()));
    out += is_lower ? ascii::lowercase(value) : value;
  };
  if (!walk(format_, [&](char c) { out += c; }, add) || !is_name(out)) return std::nullopt;
  return out;
}

}  // namespace authd
