#pragma once
// Does any part of a message say that it has 8-bit content? The answer is the message's encoding attribute, by which
// the SMTP client knows that it needs 8BITMIME. Follows multipart boundaries and attached messages (RFC 2046 section 5)
// without looking into the content of parts; looks, never changes.

#include <string>
#include <string_view>
#include <vector>

namespace cleanup {

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
  // One content record of the body; `is_start`: it starts a line.
  void body(std::string_view data, bool is_start);

  [[nodiscard]] bool is_8bit() const { return is_8bit_; }
  // The Content-Transfer-Encoding of the message's own header has been seen.
  [[nodiscard]] bool has_encoding() const { return has_encoding_; }

 private:
  enum class Type { text, multipart, message };
  void header_line(std::string_view line);
  void flush_field();
  void start_part();

  Limits limits_;
  std::vector<std::string> boundaries_;  // of the parts that we are in, outermost first
  Type type_ = Type::text;               // of the part whose header is being read
  std::string boundary_;                 // of that part
  std::string field_;                    // of a part's header, folded lines joined
  bool in_header_ = false;               // of a part
  bool is_8bit_ = false;
  bool has_encoding_ = false;
};

}  // namespace cleanup
