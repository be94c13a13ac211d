#pragma once
// Names of users: what a client may call himself, and what he is then called. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace authd {

inline constexpr std::size_t name_limit = 255;   // bytes

// auth_username_format and auth_default_realm.
class NameFormat {
 public:
  // The error names what is no variable.
  static Result<NameFormat> parse(std::string_view format, std::string_view default_realm);
  // The name to look for. None when it is none: empty, too long, no UTF-8, or with control characters. What is in it is
  // never taken for a variable.
  [[nodiscard]] std::optional<std::string> apply(std::string_view name) const;

 private:
  std::string format_, realm_;
};

}  // namespace authd
