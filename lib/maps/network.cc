#include "lib/maps/network.h"

#include <algorithm>

#include <fmt/core.h>

#include <arpa/inet.h>

#include "lib/base/ascii.h"

namespace maps {
namespace {

// Sets all bits after the first `length` to zero.
void clear_host_bits(BinaryAddress& address, unsigned length) {
  for (unsigned i = 0; i < address.size; ++i) {
    const unsigned kept = std::min(8U, length > i * 8 ? length - i * 8 : 0U);
    address.bytes[i] = static_cast<unsigned char>(address.bytes[i] & (0xff00U >> kept));
  }
}

// "[::1]" is the same as "::1", with or without a mask behind it.
std::string without_brackets(std::string_view pattern) {
  if (!pattern.starts_with('[')) return std::string(pattern);
  const std::size_t close = pattern.find(']');
  if (close == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(1, close - 1)).append(pattern.substr(close + 1));
}

}  // namespace

std::optional<BinaryAddress> BinaryAddress::parse(std::string_view text) {
  BinaryAddress address;
  const std::string copy(text);
  if (copy.contains('\0')) return std::nullopt;
  const bool v6 = copy.contains(':');
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.size = v6 ? 16 : 4;
  return address;
}

std::string BinaryAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(size == 16 ? AF_INET6 : AF_INET, bytes.data(), out.data(), out.size());
  return out.data();
}

Result<Network> Network::parse(std::string_view pattern) {
  Network network;
  const std::string plain = without_brackets(pattern);
  const std::size_t slash = plain.find('/');
  const auto address = BinaryAddress::parse(std::string_view(plain).substr(0, slash));
  if (slash == std::string::npos) {
    if (!address) return base::fail(fmt::format("bad address pattern: \"{}\"", pattern));
    network.address_ = *address;
    network.length_ = address->size * 8;
    return network;
  }
  const auto length = ascii::parse_number(std::string_view(plain).substr(slash + 1), 100'000);
  if (!length) return base::fail(fmt::format("bad mask value in \"{}\"", pattern));
  if (!address) return base::fail(fmt::format("bad network value in \"{}\"", pattern));
  if (*length > address->size * 8) return base::fail(fmt::format("bad mask length in \"{}\"", pattern));
  network.address_ = *address;
  network.length_ = static_cast<unsigned>(*length);
  clear_host_bits(network.address_, network.length_);
  if (network.address_.bytes != address->bytes) {
    return base::fail(fmt::format("non-null host address bits in \"{}\", perhaps you should use \"{}/{}\" instead", pattern,
                                  network.address_.text(), network.length_));
  }
  return network;
}

bool Network::contains(const BinaryAddress& address) const {
  if (address.size != address_.size) return false;
  BinaryAddress masked = address;
  clear_host_bits(masked, length_);
  return masked.bytes == address_.bytes;
}

}  // namespace maps
