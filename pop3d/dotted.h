#pragma once
// A message as POP3 sends it: CRLF at the end of each line, and a dot more before one that begins with a dot (RFC 1939 section 3).

#include <cstdint>
#include <string>
#include <string_view>

namespace pop3d {

// The part of a message that TOP shows: its header, the empty line, and so many lines of the body.
[[nodiscard]] std::string_view top_of(std::string_view message, std::uint64_t lines);

class Dotted {
 public:
  // The text must outlive this.
  explicit Dotted(std::string_view text) : left_(text) {}
  // The next piece, of whole lines or a part of a long one; false: there is no more, and the last line had its end.
  [[nodiscard]] bool next(std::string& piece);

  static constexpr std::size_t piece_size = 16 * 1024;

 private:
  std::string_view left_;
  bool is_in_line_ = false;   // the last piece ended within a line
};

}  // namespace pop3d
