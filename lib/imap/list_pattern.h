#pragma once
// The patterns of LIST (RFC 9051 section 6.3.9): '*' is any text, '%' any text without the separator. All states of the
// pattern are followed at once: a name costs its length times a 64th of the pattern's, whatever the pattern (ATTACKS I05).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imap {

inline constexpr std::size_t list_pattern_size_max = 4096;

enum class ListMatch : std::uint8_t {
  none,      // neither the name nor anything below it
  below,     // names below it may match
  name,      // the name matches, nothing below it can
  both,
};
[[nodiscard]] constexpr bool matches_name(ListMatch match) { return match == ListMatch::name || match == ListMatch::both; }
[[nodiscard]] constexpr bool matches_below(ListMatch match) { return match == ListMatch::below || match == ListMatch::both; }

class ListPattern {
 public:
  // `pattern` is reference and pattern put together, in the coding of the names. Of the name INBOX, and at the start of those
  // below it, the case does not count. Separator 0: a flat namespace.
  ListPattern(std::string_view pattern, char separator);
  [[nodiscard]] ListMatch match(std::string_view name) const;
  [[nodiscard]] bool has_wildcard() const { return has_wildcard_; }
  // The text before the first wildcard: what every match begins with, but for the case of INBOX.
  [[nodiscard]] std::string_view prefix() const;

 private:
  std::string pattern_;      // wildcards that follow each other are one
  char separator_;
  bool has_wildcard_ = false;
};

}  // namespace imap
