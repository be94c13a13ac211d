#pragma once
// What EHLO announces, and what an administrator takes off that list (smtpd_discard_ehlo_keywords).

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace smtp {

// A sum of bits, in the order of the EHLO reply.
enum class Ehlo : std::uint32_t {
  none = 0,
  pipelining = 1,
  size = 2,
  vrfy = 4,
  etrn = 8,
  starttls = 16,
  auth = 32,
  verp = 64,
  xclient = 128,
  xforward = 256,
  enhanced_status_codes = 512,
  eight_bit_mime = 1024,
  dsn = 2048,
  smtputf8 = 4096,
  chunking = 8192,
  require_tls = 16384,
  silent_discard = 32768,   // not a keyword: do not log what is discarded
};
[[nodiscard]] constexpr Ehlo operator|(Ehlo a, Ehlo b) {
  return static_cast<Ehlo>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(Ehlo set, Ehlo keyword) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(keyword)) != 0;
}

// The value of smtpd_discard_ehlo_keywords or of its table. The error names the word that nobody knows.
[[nodiscard]] Result<Ehlo> parse_ehlo_keywords(std::string_view value);
// "STARTTLS CHUNKING", for the log; without silent_discard.
[[nodiscard]] std::string ehlo_keywords_text(Ehlo set);

}  // namespace smtp
