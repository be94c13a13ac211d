#pragma once
// valija.cache: what sessions worked out about messages (Mailbox::cache), one piece behind the other. The index says where
// each is; each has a checksum, so that a place that is wrong yields nothing. Pieces are read and written many at a time: those of
// messages that follow each other mostly do so here too.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/fd.h"

namespace store {

class CacheFile {
 public:
  // Both borrow the directory. `validity` and `uid` say whose piece it is. The bytes live until the next call.
  [[nodiscard]] std::optional<std::string_view> get(const Fd& directory, std::uint32_t place, std::uint32_t validity, std::uint32_t uid);
  // Waits until there are many, or write(), which says where each is. True: there are many.
  [[nodiscard]] bool put(const Fd& directory, std::uint32_t validity, std::uint32_t uid, std::string_view bytes);
  // Those that were not kept are not told.
  void write(const std::function<void(std::uint32_t uid, std::uint32_t place)>& tell);
  // Whether a piece of this message may be among those that wait.
  [[nodiscard]] bool may_hold(std::uint32_t uid) const { return !waiting_.empty() && uid <= last_waiting_; }
  // Gives back the memory that reading took.
  void rest();
  // Most of the file is of messages that are gone, or of pieces that others took the place of: it is to be begun anew. `places`: of the
  // pieces that count, of which some are looked at.
  [[nodiscard]] bool is_mostly_waste(std::span<const std::uint32_t> places) const;
  void remove(const Fd& directory);

 private:
  [[nodiscard]] bool open(const Fd& directory);
  [[nodiscard]] std::string_view read(std::uint64_t offset, std::size_t size);

  Fd file_;
  std::string window_;   // of the file, as it was last read
  std::uint64_t window_offset_ = 0;
  std::string waiting_;
  std::uint32_t last_waiting_ = 0;   // the largest of their uids
};

}  // namespace store
