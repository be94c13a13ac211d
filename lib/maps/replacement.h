#pragma once
// The result of a pattern rule: text with $1, ${1} or $(1) for what a group matched, and $$ for a dollar sign.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace maps {

class Replacement {
 public:
  // The error's message is the warning; `out_of_range` words the one for $0.
  static Result<Replacement> parse(std::string_view text, std::string_view out_of_range);
  [[nodiscard]] std::size_t highest_group() const { return highest_; }
  [[nodiscard]] std::string expand(std::span<const std::string_view> groups) const;
  // Without groups the text is the same for every match.
  [[nodiscard]] std::string plain() const { return expand({}); }

 private:
  struct Part {
    std::string literal;   // comes before the group
    std::size_t group = 0; // 0: none
  };
  std::vector<Part> parts_;
  std::size_t highest_ = 0;
};

}  // namespace maps
