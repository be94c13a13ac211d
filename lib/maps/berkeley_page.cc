#include "lib/maps/berkeley_page.h"

#include <bit>
#include <cerrno>

#include <unistd.h>

namespace maps::berkeley {
namespace {

// A checksum is hash = hash * 33 + byte, where each step has to wait for the one before. Eight bytes at a time it is
// hash = hash * 33^8 + (their own sum), which is made of four pairs at once, two fours at once.
constexpr std::uint32_t base_weight = 33;
constexpr std::uint32_t weight(unsigned bytes) { return bytes == 0 ? 1 : weight(bytes - 1) * base_weight; }

std::uint32_t sum_of_eight(const char* bytes) {
  std::uint64_t all = 0;
  std::memcpy(&all, bytes, sizeof all);
  if constexpr (std::endian::native == std::endian::big) all = std::byteswap(all);
  constexpr std::uint64_t odd = 0x00ff00ff00ff00ff, lower = 0x0000ffff0000ffff;
  const std::uint64_t pairs = (all & odd) * weight(1) + ((all >> 8) & odd);
  const std::uint64_t fours = (pairs & lower) * weight(2) + ((pairs >> 16) & lower);
  return static_cast<std::uint32_t>(fours) * weight(4) + static_cast<std::uint32_t>(fours >> 32);
}

std::uint32_t continued(std::uint32_t hash, std::string_view bytes) {
  for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
    hash = hash * weight(sizeof(std::uint64_t)) + sum_of_eight(bytes.data());
  }
  for (const char c : bytes) hash = hash * base_weight + static_cast<unsigned char>(c);
  return hash;
}

}  // namespace

std::uint32_t checksum(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t hash = continued(0, bytes.substr(0, at));
  for (std::size_t i = 0; i < size; ++i) hash *= base_weight;
  return continued(hash, bytes.substr(at + size));
}

Result<void> read_at(int fd, std::string& into, std::uint64_t at) {
  std::size_t have = 0;
  while (have < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + have, into.size() - have, static_cast<off_t>(at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_system("read");
    if (got == 0) return base::fail("file is truncated", EINVAL);
    have += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace maps::berkeley
