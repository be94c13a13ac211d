#pragma once
// What SORT compares (RFC 5256 section 3, RFC 5957), and the part of a header that SORT and THREAD look at.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace message {

inline constexpr std::size_t sort_key_size_max = 1000;  // bytes; what is behind them is not compared

// The fields that SORT and THREAD look at, as they stand in the header of a message that begins so, but that U+FFFD is in place of NUL;
// and an empty line. All that is below, and thread_message(), say of them what they say of the whole header. Of several fields of a
// name the first counts.
[[nodiscard]] std::string sort_fields(std::string_view message);

// Is it one of them? Any case.
[[nodiscard]] bool is_sort_field(std::string_view name);

// Texts are to be compared byte by byte. `field` is "From", "To" or "Cc".
// The mailbox of the first address, which is the name of a group where one begins.
[[nodiscard]] std::string sort_mailbox(std::string_view header, std::string_view field);
// The name of the first address, or else all of it.
[[nodiscard]] std::string sort_display_name(std::string_view header, std::string_view field);
// The base subject.
[[nodiscard]] std::string sort_subject(std::string_view header);
// None: it has no date, and INTERNALDATE counts.
[[nodiscard]] std::optional<std::chrono::sys_seconds> sort_date(std::string_view header);

}  // namespace message
