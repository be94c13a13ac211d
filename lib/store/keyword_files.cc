#include "lib/store/keyword_files.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace store {
namespace {

constexpr std::size_t size_max = 64 * 1024 * 1024;

bool is_keyword(std::string_view name) {
  return !name.empty() && name.size() <= keyword_size_max &&
         std::ranges::none_of(name, [](char c) { return ascii::is_space(c) || ascii::is_control(c); });
}

void set_name(std::vector<std::string>& names, std::size_t bit, std::string_view name) {
  if (bit >= keywords_max || !is_keyword(name)) return;
  if (names.size() <= bit) names.resize(bit + 1);
  names[bit] = name;
}

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

Result<KeywordFiles> KeywordFiles::read(const Fd& control, std::uint32_t uid_validity) {
  KeywordFiles files;
  if (const auto text = TRY(read_in(control, std::string(letter_keywords_file), size_max))) files.parse_letters(*text);
  if (const auto text = TRY(read_in(control, std::string(more_keywords_file), size_max))) files.parse_more(*text, uid_validity);
  return files;
}

void KeywordFiles::parse_letters(std::string_view text) {
  for (std::string_view line : ascii::split(text, "\r\n")) {
    const auto number = ascii::parse_number(take_word(line), letter_keywords - 1);
    if (number) set_name(names, *number, line);
  }
}

void KeywordFiles::parse_more(std::string_view text, std::uint32_t uid_validity) {
  const auto lines = ascii::split(text, "\n");
  if (lines.empty() || !lines[0].starts_with("1 V")) return;
  const bool is_ours = ascii::parse_number(lines[0].substr(3), UINT32_MAX) == uid_validity;
  for (std::string_view line : lines) {
    const std::string_view kind = take_word(line), number_text = take_word(line);
    const auto number = ascii::parse_number(number_text, UINT32_MAX);
    if (!number) continue;
    if (kind == "K" && *number >= letter_keywords) set_name(names, *number, line);
    if (kind == "M" && is_ours) {
      std::uint64_t bits = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), bits, 16);
      if (error == std::errc{} && end == line.data() + line.size()) set_more(static_cast<std::uint32_t>(*number), bits << letter_keywords);
    }
  }
}

std::string KeywordFiles::letters_text() const {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < letter_keywords; ++i) {
    if (!names[i].empty()) text += fmt::format("{} {}\n", i, names[i]);
  }
  return text;
}

std::string KeywordFiles::more_text(std::uint32_t uid_validity) const {
  std::string text = fmt::format("1 V{}\n", uid_validity);
  for (std::size_t i = letter_keywords; i < names.size(); ++i) {
    if (!names[i].empty()) text += fmt::format("K {} {}\n", i, names[i]);
  }
  for (const auto& [uid, bits] : messages) text += fmt::format("M {} {:x}\n", uid, bits >> letter_keywords);
  return text;
}

std::uint64_t KeywordFiles::named() const {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) bits |= std::uint64_t{1} << i;
  }
  return bits;
}

std::uint64_t KeywordFiles::more_of(std::uint32_t uid) const {
  const auto found = std::ranges::lower_bound(messages, uid, {}, &std::pair<std::uint32_t, std::uint64_t>::first);
  return found != messages.end() && found->first == uid ? found->second : 0;
}

void KeywordFiles::set_more(std::uint32_t uid, std::uint64_t bits) {
  bits &= ~letter_bits;
  const auto found = std::ranges::lower_bound(messages, uid, {}, &std::pair<std::uint32_t, std::uint64_t>::first);
  if (found != messages.end() && found->first == uid) {
    if (bits == 0) {
      messages.erase(found);
    } else {
      found->second = bits;
    }
  } else if (bits != 0) {
    messages.insert(found, {uid, bits});
  }
}

}  // namespace store
