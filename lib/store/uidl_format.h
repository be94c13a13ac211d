#pragma once
// POP3's unique id of a message where the mailbox keeps none: pop3d_uidl_format, in Dovecot's syntax.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace store {

inline constexpr std::size_t uidl_limit = 70;   // characters (RFC 1939 section 7)

class UidlFormat {
 public:
  // The error names what is no variable, or that nothing in it tells messages apart.
  static Result<UidlFormat> parse(std::string_view format);
  struct Facts {
    std::uint32_t uid, uid_validity;
    std::string_view file;   // the base of the file's name; may be empty
  };
  [[nodiscard]] std::string apply(const Facts& facts) const;
  [[nodiscard]] bool needs_file() const { return needs_file_; }

 private:
  struct Piece {
    std::string text;        // before the variable
    char variable = 0;       // 'u', 'v', 'f'; 0: none
    char base = 0;           // 'X' or 'x': hexadecimal; 0: decimal
    int width = 0;           // at least so many, with zeros in front
  };
  std::vector<Piece> pieces_;
  bool needs_file_ = false;
};

}  // namespace store
