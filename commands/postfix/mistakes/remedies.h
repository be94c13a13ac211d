#pragma once

#include <string_view>

namespace postfix {

// What to do about it; empty where the finding says so itself.
[[nodiscard]] std::string_view remedy_for(std::string_view finding);

}  // namespace postfix
