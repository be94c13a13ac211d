#pragma once
// valija.index: what would take time to find out again, and nothing else. Removing it is safe at any time; a byte that is
// wrong makes all of it void. Why a file of our own and no database: it is read whole or not at all, in one go (100,000
// messages in two milliseconds), and a damaged LMDB file ends the process that looks at it.
//
// Layout, in the machine's own byte order: a head (fixed size, own checksum), then the sections named there, each with a
// checksum: entries, gone, keywords | rows, names. The last two are read when they are needed.
//
// Who has changed something that is not written yet holds a shared flock on valija.index.open. While there is such a one, and
// when one is found that nobody holds (after a crash), what the index has of sizes and dates is still true, but flags may
// have changed and changed back, so that its mod-sequences are not.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/store/folder.h"
#include "lib/store/message_list.h"

namespace store {

inline constexpr std::string_view index_name = "valija.index", open_mark_name = "valija.index.open";

class OpenMark {
 public:
  enum class State : std::uint8_t { none, held, left };
  // To be asked before the index is read. `left`: of a process that was killed; it is removed with the next release.
  [[nodiscard]] static State look(const Fd& directory);
  // Before the first change. Nothing happens the second time.
  void take(const Fd& directory);
  // After the index has been written.
  void release(const Fd& directory);

 private:
  Fd file_;
};

struct IndexContent {
  std::uint32_t uid_validity = 0;
  MessageList::Known known;
  std::string mailbox_id;
  std::vector<std::string> keywords;
  std::array<FileMark, 5> marks{};     // of what the format looks at to see whether it is up to date
};

// What a format keeps of each entry, as plain bytes, in the same order; and text that those bytes point into.
struct IndexRows {
  std::string rows;
  std::string names;
};

class IndexFile {
 public:
  // None: there is none, or it is damaged or of another kind.
  [[nodiscard]] static std::optional<IndexFile> load(const Fd& directory, std::uint32_t row_size, IndexContent& content);
  // None: damaged.
  [[nodiscard]] std::optional<IndexRows> rows() const;

  // Failures are passed over: it is only a cache.
  static void save(const Fd& directory, std::uint32_t row_size, const IndexContent& content, const std::vector<Entry>& entries,
                   std::string_view rows, std::string_view names);

 private:
  Fd file_;
  std::uint64_t offset_ = 0, rows_size_ = 0, names_size_ = 0, rows_sum_ = 0, names_sum_ = 0;
};

// A checksum of bytes: for accidents, not for enemies.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace store
