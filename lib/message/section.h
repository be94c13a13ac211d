#pragma once
// Sections of a message (RFC 3501 section 6.4.5, RFC 3516): "", "1.2", "1.2.MIME", "HEADER", "TEXT", "1.HEADER.FIELDS (A B)".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/parts.h"
#include "lib/message/wire_text.h"

namespace message {

struct Section {
  enum class What : std::uint8_t { all, header, fields, fields_not, text, mime };
  std::vector<std::uint32_t> path;
  What what = What::all;
  std::vector<std::string> names;  // of fields and fields_not, as the client wrote them

  static constexpr std::size_t path_limit = 100;

  // What stands between the brackets; names as atoms or quoted strings (literals are the caller's to make quoted). None when it
  // is no section.
  static std::optional<Section> parse(std::string_view text);
};

// The place of the part that `path` leads to; none when the message has no such part. In a multipart 0 is 1, and a part that is no
// container is its own part 1, as in Dovecot.
[[nodiscard]] std::optional<std::size_t> find_part(const Parts& parts, const std::vector<std::uint32_t>& path);

// The bytes of a section; empty when the message has no such section, as in Dovecot. Views `message`.
[[nodiscard]] WireText find_section(std::string_view message, const Parts& parts, const Section& section);

}  // namespace message
