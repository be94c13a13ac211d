#include "pop3d/capabilities.h"

#include "lib/base/ascii.h"

namespace pop3d {

std::string language_reply(std::string_view wanted) {
  if (wanted.empty()) return "+OK Language listing follows:\r\nen English\r\n.";
  const bool is_english = wanted == "*" || ascii::equal_ignoring_case(wanted, "i-default") || ascii::equal_ignoring_case(wanted, "en") ||
                          ascii::equal_ignoring_case(wanted.substr(0, 3), "en-");
  return is_english ? "+OK en Language changed to English" : "-ERR Unsupported language";
}

}  // namespace pop3d
