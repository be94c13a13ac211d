#pragma once
// A header field as records: each of its lines is one or, when it is long, several.

#include <string_view>

#include "cleanup/output.h"

namespace cleanup {

inline void put_field(Output& output, std::string_view text, std::size_t line_limit) {
  for (;;) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    for (; line.size() > line_limit; line.remove_prefix(line_limit)) output.put(queue::RecordType::continued, line.substr(0, line_limit));
    output.put(queue::RecordType::normal, line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace cleanup
