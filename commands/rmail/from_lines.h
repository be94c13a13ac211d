#pragma once
// The lines with which UUCP says where a message came from, one for each host on the way (RFC 976 section 2.4):
//
//   From user date remote from nearest
//   >From user date remote from farther
//
// A path nearest!farther!user comes of them, to which a reply could go.

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace rmail {

class FromLines {
 public:
  enum class Taken { yes, is_content };

  // The next line of the message, without its end. is_content: it is none of them, and belongs to the message. The error's
  // message says what is wrong with the line, or that the first line is none.
  [[nodiscard]] Result<Taken> take(std::string_view line);

  [[nodiscard]] bool empty() const { return !has_line_; }
  // The nearest host, or empty.
  [[nodiscard]] const std::string& system() const { return system_; }
  [[nodiscard]] bool has_system() const { return has_system_; }
  // "nearest!farther!", and the user at its end; "<>" for nobody.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& user() const { return user_; }

 private:
  void add_system(std::string_view name);

  std::string system_, path_, user_;
  bool has_line_ = false, has_system_ = false;
};

}  // namespace rmail
