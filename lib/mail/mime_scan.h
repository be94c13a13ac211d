#pragma once
// Follows the parts of a message, by multipart boundaries and attached messages (RFC 2046 section 5): which lines of the
// body are fields of a part's header, and does any part say that it has 8-bit content? The latter is the message's encoding
// attribute, by which the SMTP client knows that it needs 8BITMIME. Looks, never changes.

#include <string>
#include <string_view>
#include <vector>

namespace mail {

class MimeScan {
 public:
  struct Limits {
    std::size_t nesting;          // parts within parts; deeper ones are taken as plain text
    std::size_t boundary_length;  // bytes of a boundary that are compared
  };
  explicit MimeScan(Limits limits) : limits_(limits) {}

  // A field of the message's own header, as HeaderBlock gives it.
  void field(std::string_view text);
  // The message's own header has ended.
  void end_of_header();
  // What a line of the body is.
  enum class Line {
    text,          // of the content of a part, a boundary, or outside of all parts
    field,         // begins a field of a part's header
    folded,        // goes on with a field
    end_of_header, // the empty line behind a part's header
  };
  // One content record of the body; `is_start`: it starts a line. What goes on with a line is what the line is.
  Line body(std::string_view data, bool is_start);
  // The header that is being read, or was last, is that of an attached message.
  [[nodiscard]] bool is_in_attached_message() const { return is_attached_; }

  [[nodiscard]] bool is_8bit() const { return is_8bit_; }
  // The Content-Transfer-Encoding of the message's own header has been seen.
  [[nodiscard]] bool has_encoding() const { return has_encoding_; }

 private:
  enum class Type { text, multipart, message };
  Line line(std::string_view data);
  Line header_line(std::string_view line);
  void flush_field();
  void start_part();

  Limits limits_;
  std::vector<std::string> boundaries_;  // of the parts that we are in, outermost first
  Type type_ = Type::text;               // of the part whose header is being read
  std::string boundary_;                 // of that part
  std::string field_;                    // of a part's header, folded lines joined
  bool in_header_ = false;               // of a part
  bool is_attached_ = false;
  Line line_ = Line::text;
  bool is_8bit_ = false;
  bool has_encoding_ = false;
};

}  // namespace mail
