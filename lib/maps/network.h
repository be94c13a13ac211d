#pragma once
// A network pattern: "192.0.2.0/24", "2001:db8::/32", "[2001:db8::]/32", or one address. Addresses are compared as they
// are written: an IPv4-mapped IPv6 address is no IPv4 address here.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace maps {

// An address in binary form, for matching.
struct BinaryAddress {
  std::array<unsigned char, 16> bytes{};
  unsigned size = 0;  // 4 or 16
  static std::optional<BinaryAddress> parse(std::string_view text);  // without brackets
  [[nodiscard]] std::string text() const;
};

class Network {
 public:
  // The error's message is the reference's, with the pattern in it.
  static Result<Network> parse(std::string_view pattern);
  [[nodiscard]] bool contains(const BinaryAddress& address) const;
  [[nodiscard]] unsigned size() const { return address_.size; }  // of an address: 4 or 16 bytes

 private:
  BinaryAddress address_;
  unsigned length_ = 0;  // bits that count
};

}  // namespace maps
