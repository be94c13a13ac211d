#include "lib/smtp/tls_level.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

std::optional<TlsLevel> server_level(std::string_view name) {
  const auto is = [&](std::string_view word) { return ascii::equal_ignoring_case(name, word); };
  if (is("none")) return TlsLevel::none;
  if (is("may")) return TlsLevel::may;
  if (is("encrypt")) return TlsLevel::encrypt;
  return std::nullopt;
}

bool is_client_level(std::string_view name) {
  constexpr std::array<std::string_view, 6> names{"fingerprint", "half-dane", "dane", "dane-only", "verify", "secure"};
  return std::ranges::any_of(names, [&](std::string_view each) { return ascii::equal_ignoring_case(each, name); });
}

}  // namespace

Result<TlsLevel> tls_level(std::string_view parameter, std::string_view value, bool uses, bool enforces) {
  if (value.empty()) return enforces ? TlsLevel::encrypt : uses ? TlsLevel::may : TlsLevel::none;
  if (const auto level = server_level(value)) return *level;
  if (!is_client_level(value)) return base::fail(fmt::format("Invalid TLS level \"{}\"", value));
  maillog::warning("{}: unsupported TLS level \"{}\", using \"encrypt\"", parameter, value);
  return TlsLevel::encrypt;
}

}  // namespace smtp
