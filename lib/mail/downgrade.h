#pragma once
// Making a message fit for a server without 8BITMIME (RFC 6152 section 3): each part that says it is 8bit or binary
// becomes quoted-printable (RFC 2045 section 6.7), containers become 7bit. What carries no such label stays as it is.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

inline constexpr std::size_t mime_depth_limit = 100;          // containers in each other; deeper ones are not looked into
inline constexpr std::size_t part_header_limit = 100 * 1024;  // bytes; a larger header is passed on as it is

class Downgrade {
 public:
  // One line of the result.
  struct Line {
    std::string text;
    bool ends_line;
  };
  // The next piece of a line of the message; what it becomes is added to `out`.
  void write(std::string_view piece, bool ends_line, std::vector<Line>& out);
  // After the last line.
  void finish(std::vector<Line>& out);

 private:
  enum class State { header, plain_body, encoded_body };

  void header_line(std::string_view line, std::vector<Line>& out);
  void header_over(std::vector<Line>& out);
  bool at_boundary(std::string_view line, std::vector<Line>& out);
  void body_line(std::string_view piece, bool ends_line, std::vector<Line>& out);
  void encode(std::string_view piece, bool ends_line, std::vector<Line>& out);

  State state_ = State::header;
  bool at_line_start_ = true;
  std::string joined_;                    // of a header line that comes in pieces
  std::vector<std::string> fields_;       // of the header that is being read, folded lines joined by '\n'
  std::size_t header_size_ = 0;
  std::vector<std::string> boundaries_;   // of the containers that we are in, outermost first
  std::string encoded_;                   // the quoted-printable line so far
  std::string held_blanks_;               // blanks that may turn out to be the line's last
};

}  // namespace mail
