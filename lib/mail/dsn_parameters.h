#pragma once
// What a sender may say of the notices that he wants (RFC 3461 section 4, RFC 6533 section 3): how SMTP and sendmail(1) spell it,
// and the numbers that queue files and requests between programs have for it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail {

// NOTIFY: a sum of these; 0: he has not said.
namespace notify {
inline constexpr int never = 1, success = 2, failure = 4, delay = 8;
inline constexpr int all = never | success | failure | delay;

// What a word stands for, in any case; 0: for nothing.
[[nodiscard]] int of_word(std::string_view word);
// `never` stands alone.
[[nodiscard]] bool is_consistent(std::uint64_t bits);
// "SUCCESS,DELAY". None: there is no word, an unknown one, or another beside NEVER.
[[nodiscard]] std::optional<int> parse(std::string_view words);
[[nodiscard]] std::string text(int bits);
// Success has been told: what is left to tell.
[[nodiscard]] int without_success(int bits);
}  // namespace notify

// RET; 0: he has not said.
namespace ret {
inline constexpr int full = 1, headers = 2;

// FULL or HDRS, in any case.
[[nodiscard]] std::optional<int> parse(std::string_view word);
[[nodiscard]] std::string_view text(int ret);
}  // namespace ret

// ORCPT, "type;xtext", as "type;address".
[[nodiscard]] std::optional<std::string> parse_orcpt(std::string_view value);

// Of a recipient, in internal form, whose client gave none (RFC 3461 section 4.2, RFC 6533 section 3).
[[nodiscard]] std::string default_orcpt(std::string_view recipient, bool smtputf8);

}  // namespace mail
