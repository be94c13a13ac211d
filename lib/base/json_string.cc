#include "lib/base/json_string.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace base {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += ascii::is_control(c) ? fmt::format("\\u{:04X}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
  }
  return out + "\"";
}

}  // namespace base
