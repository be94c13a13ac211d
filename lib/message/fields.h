#pragma once
// The fields of a header as it stands in a file, one after the other, nothing copied.

#include <optional>
#include <string>
#include <string_view>

namespace message {

struct Field {
  std::string_view text;   // the lines, with their line ends
  std::string_view name;   // none for a line that is no field
  std::string_view value;  // behind the colon, folded as it came, without the last line end
};

// A header from its first byte; ends at the empty line, which belongs to no field.
class Fields {
 public:
  explicit Fields(std::string_view header) : rest_(header) {}
  [[nodiscard]] std::optional<Field> next();
  // What has not been given out: from the empty line on, once next() has given none.
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD, for what is no character

// The value in one line, as IMAP's structures show it: line ends go and the space behind them stays; a bare CR becomes a blank; NUL
// becomes U+FFFD, as in Dovecot. Without space at the start.
[[nodiscard]] std::string one_line(std::string_view value);

// The value of the first field of that name (any case).
[[nodiscard]] std::optional<std::string_view> find_field(std::string_view header, std::string_view name);

}  // namespace message
