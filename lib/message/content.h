#pragma once
// The body of a part, decoded.

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/parts.h"

namespace message {

// Gets the content piece by piece; false ends it.
using Sink = std::function<bool(std::string_view piece)>;

// Of a text part, as UTF-8. Nothing of what is encoded in a way that we do not know.
void decode_text(std::string_view message, const Part& part, const Sink& sink);

// BINARY (RFC 3516): a section without transfer encoding. Line ends of what is not encoded are CRLF. Of the message itself (an empty
// path), of a multipart and of an attached message it is all that they are, each part in them decoded and said to be binary. Nothing
// where there is no such part.
struct Binary {
  std::string bytes;
  bool is_decoded = false;  // something was encoded
};
enum class BinaryFault {
  unknown_cte,  // NO [UNKNOWN-CTE]
  broken,       // NO [PARSE]: base64 or quoted-printable that is none
};
[[nodiscard]] std::expected<Binary, BinaryFault> decode_binary(std::string_view message, const Parts& parts,
                                                               const std::vector<std::uint32_t>& path);

// For APPEND of what may have NUL (RFC 3516 section 4.3): parts that say that they are binary in base64, as BODY can tell them, and the
// rest as it is.
void encode_binary(std::string_view message, const Parts& parts, const Sink& sink);

}  // namespace message
