#pragma once
// A message's content as it goes over the wire (RFC 5321 sections 2.3.8 and 4.5.2): every line ends with CR LF and no other
// CR or LF is sent, a dot at the start of a line is doubled, and a line that is too long is broken by CR LF and a blank.

#include <cstddef>
#include <string>
#include <string_view>

namespace smtp {

class WireWriter {
 public:
  // `limit`: bytes of a line without its end; 0 is without limit.
  explicit WireWriter(std::size_t limit) : limit_(limit) {}

  // A piece of a line; `ends_line` if the line is over after it. The wire form is added to `out`.
  void write(std::string_view piece, bool ends_line, std::string& out);
  // Ends the last line, if it is open.
  void finish(std::string& out);

  [[nodiscard]] bool has_broken_lines() const { return has_broken_lines_; }

 private:
  void add(std::string_view bytes, std::string& out);

  std::size_t limit_;
  std::size_t column_ = 0;
  bool has_broken_lines_ = false;
};

}  // namespace smtp
