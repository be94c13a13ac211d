#pragma once
// DNS lists of addresses and names (RFC 5782): "zen.example.com", or "zen.example.com=127.0.0.[2..4;9]" where only some of
// their answers count.

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/io/socket.h"

namespace dns {

// An IPv4 address each of whose four numbers is a number, or a set "[1;3..5]".
class AddressPattern {
 public:
  static Result<AddressPattern> parse(std::string_view text);
  [[nodiscard]] bool matches(const io::Address& address) const;

 private:
  std::array<std::bitset<256>, 4> numbers_;
};

struct DnsList {
  std::string domain;
  std::optional<AddressPattern> pattern;   // none: any answer counts
  static Result<DnsList> parse(std::string_view text);
};

// "2.0.0.127" of 127.0.0.2; of an IPv6 address its hexadecimal digits.
[[nodiscard]] std::string reversed(const io::Address& address);

}  // namespace dns
