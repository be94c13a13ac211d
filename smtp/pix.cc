#include "smtp/pix.h"

#include "lib/base/ascii.h"

namespace smtp {

std::string PixWorkarounds::text() const {
  std::string text = disable_esmtp ? "disable_esmtp" : "";
  if (delay_dotcrlf) text += text.empty() ? "delay_dotcrlf" : " delay_dotcrlf";
  return text;
}

PixWorkarounds parse_pix_workarounds(std::string_view list) {
  PixWorkarounds found;
  for (const std::string_view word : ascii::split(list, ", \t\r\n")) {
    found.disable_esmtp = found.disable_esmtp || ascii::equal_ignoring_case(word, "disable_esmtp");
    found.delay_dotcrlf = found.delay_dotcrlf || ascii::equal_ignoring_case(word, "delay_dotcrlf");
  }
  return found;
}

// The firewall leaves of a greeting's one line the digits 0 and 2, and blanks.
bool is_greeting_of_pix(const ServerReply& greeting) {
  return greeting.lines.size() == 1 && greeting.text.find_first_not_of("20*\t ") == std::string::npos;
}

}  // namespace smtp
