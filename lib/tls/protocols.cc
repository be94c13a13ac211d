#include "lib/tls/protocols.h"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "lib/base/ascii.h"

namespace tls {
namespace {

struct Version {
  std::string_view name;
  int number;
  std::uint64_t no;
};

constexpr std::array versions{
    Version{"SSLv2", SSL2_VERSION, 0},  // nobody has it any more
    Version{"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
    Version{"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
    Version{"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
    Version{"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    Version{"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

const Version* find_version(std::string_view name) {
  for (const Version& version : versions) {
    if (ascii::equal_ignoring_case(version.name, name)) return &version;
  }
  return nullptr;
}

// The bound by name, or by its number in hexadecimal: a version that is newer than this program.
std::optional<int> bound(std::string_view text) {
  if (text.empty()) return 0;
  if (const Version* const version = find_version(text)) return version->number;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) return std::nullopt;
  return number;
}

}  // namespace

Result<Protocols> Protocols::parse(std::string_view list) {
  const auto invalid = [&] { return base::fail(fmt::format("Invalid TLS protocol list \"{}\"", list)); };
  Protocols out;
  std::uint64_t named = 0, all = 0;
  for (const Version& version : versions) all |= version.no;
  for (const std::string_view item : ascii::split(list, ", \t\r\n:")) {
    if (item.starts_with(">=") || item.starts_with("<=")) {
      const std::optional<int> number = bound(item.substr(2));
      if (!number) return invalid();
      (item.front() == '>' ? out.lowest : out.highest) = *number;
      continue;
    }
    const bool is_exclusion = item.starts_with('!');
    const Version* const version = find_version(item.substr(is_exclusion ? 1 : 0));
    if (version == nullptr) return invalid();
    (is_exclusion ? out.left_out : named) |= version->no;
  }
  if (named != 0) out.left_out |= all & ~named;
  return out;
}

}  // namespace tls
