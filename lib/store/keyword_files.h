#pragma once
// The names of a Maildir's keywords: dovecot-keywords has those whose letters (a to z) are in the files' names:
//   0 $Forwarded
// and valija-keywords those beyond, with the messages that have them, since there are no letters for them:
//   1 V<uidvalidity>
//   K <number> <name>
//   M <uid> <bits from 26 on, in hexadecimal>
// Both are written under the lock of dovecot-uidlist, and durably: they are no cache.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/store/file_name.h"
#include "lib/store/folder.h"

namespace store {

inline constexpr std::string_view letter_keywords_file = "dovecot-keywords", more_keywords_file = "valija-keywords";

struct KeywordFiles {
  std::vector<std::string> names;                                // by bit, at most keywords_max; empty: none
  std::vector<std::pair<std::uint32_t, std::uint64_t>> messages; // in order of uid: bits from letter_keywords on, in their places

  [[nodiscard]] static Result<KeywordFiles> read(const Fd& control, std::uint32_t uid_validity);
  void parse_letters(std::string_view text);
  void parse_more(std::string_view text, std::uint32_t uid_validity);
  [[nodiscard]] std::string letters_text() const;
  [[nodiscard]] std::string more_text(std::uint32_t uid_validity) const;
  // Bits that have a name.
  [[nodiscard]] std::uint64_t named() const;
  [[nodiscard]] std::uint64_t more_of(std::uint32_t uid) const;
  void set_more(std::uint32_t uid, std::uint64_t bits);
};

inline constexpr std::uint64_t letter_bits = (std::uint64_t{1} << letter_keywords) - 1;

}  // namespace store
