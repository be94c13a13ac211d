#pragma once
// The Delivered-To: headers of a message: whom it has been delivered to on its way, which is how forwarding loops end.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "lib/base/error.h"

namespace delivery {

class DeliveredTo {
 public:
  static constexpr std::size_t header_limit = 10'000;  // lines that are looked at

  // Reads the headers of a queue file; the descriptor is borrowed.
  [[nodiscard]] static Result<DeliveredTo> read(int fd, std::int64_t data_offset);

  // Ignores case.
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::unordered_set<std::string> addresses_;
};

}  // namespace delivery
