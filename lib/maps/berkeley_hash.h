#pragma once
// Looks a key up in a Berkeley DB hash with one read(2), of the page that its bucket has: pages are the kernel's to keep, for
// all processes at once. The library keeps pages of its own, and where checksums are takes longer to check one than to read it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/berkeley_page.h"

namespace maps::berkeley {

class HashReader {
 public:
  // Of the file that the descriptor is open on, which it stays for as long as the reader lives. None for a file that is
  // the library's alone: another kind, version or byte order, or with several values to a key.
  static Result<std::optional<HashReader>> open(int fd);

  // Under a lock that keeps writers out. A page that is not what it should be is an error, whose code is EINVAL.
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key);

 private:
  HashReader(int fd, std::string_view meta);
  [[nodiscard]] std::uint32_t page_of(std::string_view key) const;
  [[nodiscard]] Result<void> read_page(std::string& into, std::uint32_t number);
  // The value of the key if it is in the page at hand, of that number.
  [[nodiscard]] Result<std::optional<std::string>> search(std::string_view key, std::uint32_t number);
  [[nodiscard]] Result<std::string> bytes_of(std::string_view item, std::uint32_t number);
  [[nodiscard]] Result<bool> is_key(std::string_view item, std::string_view key, std::uint32_t number);

  int fd_;
  bool has_checksums_;
  std::size_t header_size_;
  std::uint32_t last_page_, max_bucket_, high_mask_, low_mask_;
  std::array<std::uint32_t, meta_spares> spares_;
  std::string page_;                 // the one at hand
  std::vector<bool> has_held_;       // pages whose checksum was right: a file that changes is opened anew
};

}  // namespace maps::berkeley
