#pragma once
// What smtp-source sends behind DATA.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"

namespace smtp_source {

// The lines of a file with CRLF, each leading dot doubled.
[[nodiscard]] Result<std::string> content_of_file(const std::string& path);

// A body of so many bytes, line ends not counted for the last line; without a length, four lines of nonsense.
[[nodiscard]] std::string body(std::optional<int> length);

struct Header {
  std::string_view sender, recipient, host_name, subject;
  std::string message_id;   // its local part
  Stamp date;
};
// With the empty line behind it.
[[nodiscard]] std::string header(const Header& facts);

// "rcpt5@domain" of "rcpt@domain" and 5.
[[nodiscard]] std::string numbered(std::string_view recipient, unsigned long number);

}  // namespace smtp_source
