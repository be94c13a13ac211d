#include "pop3d/capabilities.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace pop3d {

std::string common_capabilities(std::chrono::seconds login_delay) {
  std::string text = "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nLANG\r\nUTF8\r\nIMPLEMENTATION Valija\r\n";
  if (login_delay > std::chrono::seconds(0)) text += fmt::format("LOGIN-DELAY {}\r\n", login_delay.count());
  return text;
}

std::string language_reply(std::string_view wanted) {
  if (wanted.empty()) return "+OK Language listing follows:\r\nen English\r\n.";
  const bool is_english = wanted == "*" || ascii::equal_ignoring_case(wanted, "i-default") || ascii::equal_ignoring_case(wanted, "en") ||
                          ascii::equal_ignoring_case(wanted.substr(0, 3), "en-");
  return is_english ? "+OK en Language changed to English" : "-ERR Unsupported language";
}

}  // namespace pop3d
