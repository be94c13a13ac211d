#pragma once
// Domain names with letters beyond ASCII, and how the DNS has them (RFC 5890, by the mapping of UTS #46).

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace idna {

// IDNA2003 wrote some letters as others: a sharp s as "ss". Where the library has forgotten how, both are the same.
enum class Rules { idna2008, idna2003 };

// "bücher.example" to "xn--bcher-kva.example". A name in ASCII stays as it is.
[[nodiscard]] Result<std::string> to_ascii(std::string_view domain, Rules rules = Rules::idna2008);
// The other way.
[[nodiscard]] Result<std::string> to_unicode(std::string_view domain);

}  // namespace idna
