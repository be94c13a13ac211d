#include "lib/mail/dsn_parameters.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/address.h"

namespace mail {
namespace notify {
namespace {

struct Word {
  std::string_view text;
  int bit;
};
constexpr std::array words{Word{"NEVER", never}, Word{"SUCCESS", success}, Word{"FAILURE", failure}, Word{"DELAY", delay}};

}  // namespace

int of_word(std::string_view word) {
  const auto* const found = std::ranges::find_if(words, [&](const Word& known) { return ascii::equal_ignoring_case(word, known.text); });
  return found == words.end() ? 0 : found->bit;
}

bool is_consistent(std::uint64_t bits) { return (bits & never) == 0 || bits == never; }

std::optional<int> parse(std::string_view text) {
  int bits = 0;
  for (const std::string_view word : ascii::split(text, ",")) {
    const int bit = of_word(word);
    if (bit == 0) return std::nullopt;
    bits |= bit;
  }
  if (bits == 0 || !is_consistent(static_cast<std::uint64_t>(bits))) return std::nullopt;
  return bits;
}

std::string text(int bits) {
  if ((bits & never) != 0) return "NEVER";
  std::string out;
  for (const Word& word : words) {
    if ((bits & word.bit) != 0) out.append(out.empty() ? "" : ",").append(word.text);
  }
  return out;
}

int without_success(int bits) {
  if ((bits & success) == 0) return bits;
  const int rest = bits & ~success;
  return rest == 0 ? never : rest;
}

}  // namespace notify

namespace ret {

std::optional<int> parse(std::string_view word) {
  if (ascii::equal_ignoring_case(word, "FULL")) return full;
  if (ascii::equal_ignoring_case(word, "HDRS")) return headers;
  return std::nullopt;
}

std::string_view text(int ret) { return ret == full ? "FULL" : "HDRS"; }

}  // namespace ret

std::optional<std::string> parse_orcpt(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
  const std::string_view type = value.substr(0, semicolon);
  if (!std::ranges::all_of(type, [](char c) { return ascii::is_printable(c) && c != ' '; })) return std::nullopt;
  const auto address = decode_xtext(value.substr(semicolon + 1));
  if (!address || !base::is_utf8(*address)) return std::nullopt;
  return fmt::format("{};{}", type, *address);
}

std::string default_orcpt(std::string_view recipient, bool smtputf8) {
  return (smtputf8 && !ascii::is_ascii(recipient) ? "utf-8;" : "rfc822;") + to_external(recipient);
}

}  // namespace mail
