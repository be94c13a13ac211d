#pragma once
// PREVIEW (RFC 8970): the beginning of a message's text, for a list of messages.

#include <string>
#include <string_view>

#include "lib/message/parts.h"

namespace message {

constexpr std::size_t preview_limit = 200;  // characters

// In UTF-8, in one line; empty when the message has no text.
[[nodiscard]] std::string preview(std::string_view message, const Parts& parts);

}  // namespace message
