#pragma once
// compatibility_level: "3.6" says that the administrator has accepted the defaults of Postfix 3.6.

#include <compare>
#include <string_view>

#include "lib/base/error.h"

namespace config {

// Compared part by part; a part that is not there is 0.
struct Level {
  int major_part = 0, minor_part = 0, patch_part = 0;
  // One to three numbers with dots between.
  static Result<Level> parse(std::string_view text);
  auto operator<=>(const Level&) const = default;
};

}  // namespace config
