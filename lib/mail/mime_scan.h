#pragma once
// Follows the parts of a message, by multipart boundaries and attached messages (RFC 2046 section 5): which lines of the
// body are fields of a part's header, and does any part say that it has 8-bit content? The latter is the message's encoding
// attribute, by which the SMTP client knows that it needs 8BITMIME. Told to, it finds faults too. Looks, never changes.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail {

// What a strict site does not take.
enum class MimeFault {
  eight_bit_header,   // RFC 5322 has no 8-bit text in headers
  eight_bit_body,     // of a part that says it is 7bit, or says nothing
  encoded_container,  // a multipart or an attached message that says it is encoded itself (RFC 2045 section 6.4)
};

class MimeScan {
 public:
  // `text` is the field or the piece of a line that has the fault, or the encoding's name.
  using Complain = std::function<void(MimeFault fault, std::string_view text)>;
  struct Limits {
    std::size_t nesting;          // parts within parts; deeper ones are taken as plain text
    std::size_t boundary_length;  // bytes of a boundary that are compared
  };
  explicit MimeScan(Limits limits, Complain complain = nullptr) : limits_(limits), complain_(std::move(complain)) {}

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
  enum class Encoding { seven_bit, eight_bit, binary, quoted_printable, base64 };
  Line line(std::string_view data);
  Line header_line(std::string_view line);
  void append_to_field(std::string_view data);
  void flush_field();
  void take_field(std::string_view text);
  void start_part();
  void take_encoding(std::string_view value);
  void take_type(std::string_view value);
  void look_for_8bit(std::string_view text);

  Limits limits_;
  Complain complain_;
  std::vector<std::string> boundaries_;  // of the parts that we are in, outermost first
  Type type_ = Type::text;               // of the part whose header is being read
  std::string boundary_;                 // of that part
  Encoding encoding_ = Encoding::seven_bit;       // that this header tells ...
  Encoding body_encoding_ = Encoding::seven_bit;  // ... and that of the content that is being read
  std::string field_;                    // of a part's header, folded lines joined
  bool field_is_8bit_ = false;           // beyond what is kept of it too
  bool in_header_ = false;               // of a part
  bool is_attached_ = false;
  Line line_ = Line::text;
  bool is_8bit_ = false;
  bool has_encoding_ = false;
};

}  // namespace mail
