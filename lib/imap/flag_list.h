#pragma once
// Flags as a client names them (RFC 9051 section 2.3.2).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"

namespace imap {

inline constexpr std::size_t keyword_size_max = 50;
inline constexpr std::size_t keywords_limit = 1000;   // of one list

// Bits of FlagList::system.
namespace flag {
inline constexpr std::uint8_t seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16, recent = 32;
}

struct SystemFlag { std::string_view name; std::uint8_t bit; };
// In the order in which Dovecot shows them.
inline constexpr std::array system_flags{SystemFlag{"\\Answered", flag::answered}, SystemFlag{"\\Flagged", flag::flagged},
                                         SystemFlag{"\\Deleted", flag::deleted},   SystemFlag{"\\Seen", flag::seen},
                                         SystemFlag{"\\Draft", flag::draft},       SystemFlag{"\\Recent", flag::recent}};

struct FlagList {
  std::uint8_t system = 0;
  std::vector<std::string> keywords;    // as written, each once (their case does not count)
  bool operator==(const FlagList&) const = default;

  // The values of a flag list. Fails with the words for BAD.
  static Result<FlagList> parse(Values values);
  // Adds one; the same failures.
  Result<void> add(std::string_view name);
  // Why the first keyword that cannot be one is none, in the words for NO [CANNOT].
  [[nodiscard]] std::optional<std::string_view> refusal() const;
};

// 0 when it is no system flag. With its backslash, any case.
[[nodiscard]] std::uint8_t system_flag(std::string_view name);

}  // namespace imap
