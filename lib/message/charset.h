#pragma once
// Text of any character set made UTF-8, by ICU.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct UConverter;

namespace message {

// Takes text in pieces that may end within a character.
class Utf8Converter {
 public:
  // A set that is not known is taken as UTF-8; is_known() tells.
  explicit Utf8Converter(std::string_view charset);

  // Appends valid UTF-8 always; U+FFFD for what is no character, one for all of it.
  void convert(std::string_view piece, std::string& out);
  void finish(std::string& out);
  [[nodiscard]] bool is_known() const { return is_known_; }
  // Something was no character.
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  struct Close { void operator()(UConverter* converter) const; };
  void foreign(std::string_view piece, bool is_last, std::string& out);

  std::unique_ptr<UConverter, Close> converter_;  // none for UTF-8 and ASCII
  std::string kept_;                              // of a character of UTF-8 that is not complete
  bool is_known_ = true;
  bool is_ascii_itself_ = true;                   // ASCII bytes are ASCII characters, wherever they stand
  bool is_broken_ = false;
};

// The whole text; none when the set is not known or the bytes are no text of it.
[[nodiscard]] std::optional<std::string> to_utf8(std::string_view charset, std::string_view text);

// Appends `text`; what is no UTF-8 becomes one U+FFFD as far as it goes. False when something was not.
bool append_valid_utf8(std::string& out, std::string_view text);

// The form in which i;unicode-casemap (RFC 5051) compares text: titlecase of each character, then decomposed. `text` must be valid
// UTF-8.
[[nodiscard]] std::string casemap(std::string_view text);

}  // namespace message
