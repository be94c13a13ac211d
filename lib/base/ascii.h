#pragma once
// Protocol text: ASCII characters and words, independent of the locale. Bytes from 0x80 up are never letters, digits or
// space here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ascii {

[[nodiscard]] constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
[[nodiscard]] constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
[[nodiscard]] constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
// Space as the C locale has it: blank, tab, newline, vertical tab, form feed, carriage return.
[[nodiscard]] constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
[[nodiscard]] constexpr bool is_control(char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }
[[nodiscard]] constexpr bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }
[[nodiscard]] constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
[[nodiscard]] constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - ('a' - 'A')) : c; }

[[nodiscard]] std::string lowercase(std::string_view text);
[[nodiscard]] std::string uppercase(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

// No byte from 0x80 up.
[[nodiscard]] bool is_ascii(std::string_view text);

// Without leading and trailing space.
[[nodiscard]] std::string_view trim(std::string_view text);

// The parts between any of `separators`, without empty parts: split("a, b,,c", ", ") is a b c.
// The views point into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, std::string_view separators);

// A whole decimal number without sign or space, at most `max`; none when it is anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max = UINT64_MAX);

// Peer text made fit for one log line: control characters and, unless they are part of valid UTF-8, bytes from 0x80 up
// become '?'.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace ascii
