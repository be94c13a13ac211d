#pragma once
// The body of a part, decoded.

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "lib/message/parts.h"

namespace message {

// Gets the content piece by piece; false ends it.
using Sink = std::function<bool(std::string_view piece)>;

// Of a text part, as UTF-8. Nothing of what is encoded in a way that we do not know.
void decode_text(std::string_view message, const Part& part, const Sink& sink);

// BINARY (RFC 3516): the part's bytes without transfer encoding. Line ends of what is not encoded are CRLF; a multipart or an
// attached message, which cannot be encoded, is what BODY is.
enum class BinaryFault {
  unknown_cte,  // NO [UNKNOWN-CTE]
  broken,       // NO [PARSE]: base64 or quoted-printable that is none
};
[[nodiscard]] std::expected<std::string, BinaryFault> decode_binary(std::string_view message, const Part& part);

}  // namespace message
