#include "lib/message/charset.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"

namespace message {
namespace {

constexpr std::size_t name_limit = 100;        // of a character set
constexpr std::size_t character_limit = 4;     // bytes of one in UTF-8
constexpr std::int32_t decomposition_limit = 32;  // U+FDFA has 18 units

bool is_utf8(std::string_view charset) {
  static constexpr std::array names{"utf-8", "utf8", "us-ascii", "ascii", "ansi_x3.4-1968"};
  return charset.empty() || std::ranges::any_of(names, [&](const char* name) { return ascii::equal_ignoring_case(charset, name); });
}

// Sets of one byte for each character, whose first half is ASCII.
bool is_ascii_half(std::string_view charset) {
  static constexpr std::array families{"iso-8859-", "windows-125", "koi8-", "cp125"};
  return std::ranges::any_of(families, [&](const char* family) { return ascii::starts_with_ignoring_case(charset, family); });
}

// How many bytes from the start are ASCII.
std::size_t ascii_size(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

// ASCII letters, eight at a time: searching spends its time here.
void make_upper(char* text, std::size_t size) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  for (std::uint64_t word = 0; size >= sizeof word; text += sizeof word, size -= sizeof word) {
    std::memcpy(&word, text, sizeof word);
    const std::uint64_t from_a = word + (0x80 - 'a') * ones, beyond_z = word + (0x7f - 'z') * ones;
    word -= ((from_a ^ beyond_z) & (0x80 * ones)) >> 2;
    std::memcpy(text, &word, sizeof word);
  }
  for (; size > 0; ++text, --size) *text = ascii::to_upper(*text);
}

// The character that `text`, which is not empty, begins with: its bytes and whether it is one. A beginning that the text is too
// short for counts as far as it goes.
struct Character {
  std::size_t size = 1;
  bool is_valid = false;
  bool is_cut = false;
  char32_t code = 0;
};
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true, false, lead};
  const std::size_t size = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 1;
  if (size == 1) return {};
  char32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {i, false, true, 0};
    // The second byte tells overlong forms, surrogates and what is beyond Unicode.
    const unsigned low = i > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = i > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(i) < low || byte(i) > high) return {i, false, false, 0};
    code = code << 6 | (byte(i) & 0x3f);
  }
  return {size, true, false, code};
}

void append_code(std::string& out, char32_t code) {
  std::array<char, character_limit> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, code);
  out.append(bytes.data(), size);
}

// Titlecase, then decomposition as far as it goes (RFC 5051).
void append_casemapped(std::string& out, char32_t code, const UNormalizer2* decomposer) {
  const UChar32 title = u_totitle(static_cast<UChar32>(code));
  std::array<UChar, decomposition_limit> units{};
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t count = decomposer == nullptr ? -1 : unorm2_getDecomposition(decomposer, title, units.data(), decomposition_limit, &error);
  if (count < 0 || U_FAILURE(error)) {
    append_code(out, static_cast<char32_t>(title));
    return;
  }
  for (std::int32_t at = 0; at < count;) {
    UChar32 unit = 0;
    U16_NEXT(units.data(), at, count, unit);
    append_code(out, static_cast<char32_t>(unit));
  }
}

}  // namespace

void Utf8Converter::Close::operator()(UConverter* converter) const { ucnv_close(converter); }

Utf8Converter::Utf8Converter(std::string_view charset) {
  if (is_utf8(charset)) return;
  UErrorCode error = U_ZERO_ERROR;
  is_known_ = charset.size() <= name_limit;
  if (is_known_) converter_.reset(ucnv_open(std::string(charset).c_str(), &error));
  is_known_ = is_known_ && U_SUCCESS(error);
  if (!is_known_) converter_.reset();
  is_ascii_itself_ = !converter_ || is_ascii_half(charset);
}

void Utf8Converter::convert(std::string_view piece, std::string& out) {
  if (is_ascii_itself_ && kept_.empty() && ascii_size(piece) == piece.size()) {
    out += piece;
    return;
  }
  if (converter_) return foreign(piece, false, out);
  if (!kept_.empty()) {
    // The rest of a character is at most three bytes.
    const std::size_t more = std::min(piece.size(), character_limit);
    kept_ += piece.substr(0, more);
    const Character character = first_character(kept_);
    if (character.is_cut && piece.size() <= more) return;
    const std::string joined = std::exchange(kept_, {}) + std::string(piece.substr(more));
    return convert(joined, out);
  }
  // What may go on with the next piece begins in the last three bytes.
  for (std::size_t back = 1; back < character_limit && back <= piece.size(); ++back) {
    const std::string_view tail = piece.substr(piece.size() - back);
    if ((static_cast<unsigned char>(tail[0]) & 0xc0) == 0x80) continue;
    if (!first_character(tail).is_cut) break;
    kept_ = tail;
    piece.remove_suffix(back);
    break;
  }
  if (!append_valid_utf8(out, piece)) is_broken_ = true;
}

void Utf8Converter::finish(std::string& out) {
  if (converter_) foreign({}, true, out);
  else if (!append_valid_utf8(out, std::exchange(kept_, {}))) is_broken_ = true;
}

void Utf8Converter::foreign(std::string_view piece, bool is_last, std::string& out) {
  std::array<UChar, 2048> units{};
  const char* from = piece.data();
  const char* const end = from + piece.size();
  bool is_done = false;
  while (!is_done) {
    UErrorCode error = U_ZERO_ERROR;
    UChar* to = units.data();
    ucnv_toUnicode(converter_.get(), &to, units.data() + units.size(), &from, end, nullptr, is_last ? 1 : 0, &error);
    is_done = error != U_BUFFER_OVERFLOW_ERROR;
    const auto count = static_cast<std::int32_t>(to - units.data());
    for (std::int32_t at = 0; at < count;) {
      UChar32 code = 0;
      U16_NEXT(units.data(), at, count, code);
      if (code == 0xfffd) is_broken_ = true;
      append_code(out, U_IS_SURROGATE(code) ? U'\xfffd' : static_cast<char32_t>(code));
    }
  }
}

std::optional<std::string> to_utf8(std::string_view charset, std::string_view text) {
  Utf8Converter converter(charset);
  std::string out;
  converter.convert(text, out);
  converter.finish(out);
  if (!converter.is_known() || converter.is_broken()) return std::nullopt;
  return out;
}

bool append_valid_utf8(std::string& out, std::string_view text) {
  bool is_valid = true;
  while (!text.empty()) {
    std::size_t size = ascii_size(text);
    Character character;
    while (size < text.size() && (character = first_character(text.substr(size))).is_valid) size += character.size;
    out += text.substr(0, size);
    text.remove_prefix(size);
    if (text.empty()) break;
    is_valid = false;
    out += replacement;
    do text.remove_prefix(character.size);
    while (!text.empty() && !(character = first_character(text)).is_valid);
  }
  return is_valid;
}

std::string casemap(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* const decomposer = unorm2_getNFKDInstance(&error);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = ascii_size(text);
    const std::size_t start = out.size();
    out += text.substr(0, size);
    make_upper(out.data() + start, size);
    text.remove_prefix(size);
    if (text.empty()) break;
    const Character character = first_character(text);
    append_casemapped(out, character.is_valid ? character.code : U'\xfffd', U_SUCCESS(error) ? decomposer : nullptr);
    text.remove_prefix(character.size);
  }
  return out;
}

}  // namespace message
