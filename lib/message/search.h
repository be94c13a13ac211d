#pragma once
// SEARCH's TEXT, BODY, HEADER and their like: is a text in a message, with case and accents' forms as i;unicode-casemap (RFC 5051)
// has them? Encoded words, transfer encodings and character sets are decoded; HTML is looked through as it stands, as in Dovecot.

#include <string>
#include <string_view>

#include "lib/message/parts.h"

namespace message {

// What is looked for, prepared once for any number of messages.
class Needle {
 public:
  // UTF-8; an empty one is in every text.
  explicit Needle(std::string_view text);

  // `text` is UTF-8.
  [[nodiscard]] bool is_in(std::string_view text) const;
  // As casemap() writes it.
  [[nodiscard]] const std::string& folded() const { return folded_; }
  // In text that casemap() has written.
  [[nodiscard]] bool is_in_folded(std::string_view text) const;
  // May be found in header lines without unfolding them first.
  [[nodiscard]] bool has_space() const { return has_space_; }

 private:
  std::string folded_;
  bool has_space_;
};

// BODY: the content of all text parts. TEXT: that, or any header, of a part or an attached message too.
[[nodiscard]] bool is_in_body(const Needle& needle, std::string_view message, const Parts& parts);
[[nodiscard]] bool is_in_text(const Needle& needle, std::string_view message, const Parts& parts);
// HEADER, SUBJECT, FROM ..: in a field of that name of this header. An empty needle: is there such a field?
[[nodiscard]] bool is_in_header(const Needle& needle, std::string_view header, std::string_view name);

// A field's value as search and preview see it: in one line, encoded words decoded.
[[nodiscard]] std::string field_text(std::string_view value);

}  // namespace message
