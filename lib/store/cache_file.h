#pragma once
// valija.cache: what sessions worked out about messages (Mailbox::cache), one piece behind the other. The index says where
// each is; each has a checksum, so that a place that is wrong yields nothing.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/fd.h"

namespace store {

class CacheFile {
 public:
  // Both borrow the directory. `validity` and `uid` say whose piece it is.
  [[nodiscard]] std::optional<std::string> get(const Fd& directory, std::uint32_t place, std::uint32_t validity, std::uint32_t uid);
  // The place; 0: it was not kept.
  [[nodiscard]] std::uint32_t put(const Fd& directory, std::uint32_t validity, std::uint32_t uid, std::string_view bytes);
  // Most of the file is of messages that are gone, or of pieces that others took the place of: it is to be begun anew. `places`: of the
  // pieces that count, of which some are looked at.
  [[nodiscard]] bool is_mostly_waste(std::span<const std::uint32_t> places) const;
  void remove(const Fd& directory);

 private:
  [[nodiscard]] bool open(const Fd& directory);
  Fd file_;
};

}  // namespace store
