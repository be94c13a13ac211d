#pragma once
// Header text that is not ASCII (RFC 2047, and RFC 2231's language tag).

#include <string>
#include <string_view>

namespace message {

// The value in UTF-8: encoded words become their text, space between two of them goes, what cannot be decoded stays as it is,
// bytes that are no UTF-8 become U+FFFD. Folding must have been taken out (one_line).
[[nodiscard]] std::string decode_words(std::string_view value);

}  // namespace message
