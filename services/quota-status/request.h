#pragma once
// One question of the policy protocol: lines "name=value", and an empty one. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace quota_status {

inline constexpr std::size_t attributes_limit = 200;      // of one question; Postfix has about 40
inline constexpr std::size_t line_limit = 8 * 1024;       // bytes of one attribute

struct Request {
  std::string kind;        // request=
  std::string state;       // protocol_state=
  std::string recipient;
  std::int64_t size = 0;   // as the client has announced it; 0: he has not
  std::size_t attributes = 0;

  // One line of it. What is not asked here is skipped. The error: it is no question of this protocol.
  [[nodiscard]] Result<void> take(std::string_view line);
};

}  // namespace quota_status
