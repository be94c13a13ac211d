#pragma once
// Makes or changes the index of a table (FILE.db, .lmdb, .cdb) beside the one in use, and puts it into its place when it is whole and
// on disk: who reads sees the old table or the new one, and a builder that is killed leaves the old.

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/maps/index_file.h"

namespace maps {

enum class IfDuplicate { warn_and_keep, keep, replace };

// What a builder starts from.
enum class StartFrom {
  nothing,          // the entries of an index that is there are forgotten
  index_if_any,
  index,            // a missing one is an error
};

class IndexBuilder {
 public:
  struct Options {
    IndexKind kind = IndexKind::hash;
    const module::IndexFormat* format = nullptr;  // see IndexFile::Options
    bool with_nul = true;                  // keys and values end in a NUL, as Postfix's do
    IfDuplicate if_duplicate = IfDuplicate::warn_and_keep;
    StartFrom start = StartFrom::nothing;
    mode_t mode = 0644;                    // of a file that is new; one that is there keeps its own
    std::size_t cache_bytes = 16 * 1024 * 1024;
    std::size_t map_bytes = 16 * 1024 * 1024;   // of an lmdb, to begin with
  };
  // `path` is the table's name without its suffix.
  static Result<IndexBuilder> open(const std::string& path, const Options& options);

  IndexBuilder(IndexBuilder&&) noexcept;
  IndexBuilder& operator=(IndexBuilder&&) = delete;
  IndexBuilder(const IndexBuilder&) = delete;
  IndexBuilder& operator=(const IndexBuilder&) = delete;
  ~IndexBuilder();  // abandons what is not committed

  [[nodiscard]] Result<void> put(std::string_view key, std::string_view value);
  // The bytes as they are, in place of an entry that is there: for entries that the table has of itself.
  [[nodiscard]] Result<void> put_own(std::string_view key, std::string_view value);
  // Whether there was an entry, with or without NUL.
  [[nodiscard]] Result<bool> erase(std::string_view key);

  // The durable order: bytes and mode on disk, then the name, then the directory.
  [[nodiscard]] Result<void> commit() &&;

 private:
  struct Pending {
    std::uint32_t hash;
    std::string_view key, value;
  };

  IndexBuilder(std::string path, std::string temporary, const Options& options, std::unique_ptr<IndexFile> file, Fd lock, mode_t mode,
               std::optional<std::pair<uid_t, gid_t>> owner);
  [[nodiscard]] Result<void> add(std::string_view key, std::string_view value);
  // The place of a key in places_ where its number is, or is to be.
  [[nodiscard]] std::size_t place_of(std::string_view key, std::uint32_t hash) const;
  void enlarge_places();
  [[nodiscard]] Result<void> write(std::string_view key, std::string_view value);
  [[nodiscard]] Result<void> flush();
  void report_duplicate(std::string_view key) const;
  std::string_view store(std::string_view bytes, bool with_nul);

  std::string path_;        // of the index
  std::string temporary_;   // where it grows; empty: committed or moved from
  Options options_;
  std::unique_ptr<IndexFile> file_;
  Fd lock_;                 // the index that we started from, locked against others that change it
  mode_t mode_;
  std::optional<std::pair<uid_t, gid_t>> owner_;
  std::deque<std::string> arena_;       // bytes of the pending entries
  std::size_t arena_bytes_ = 0;
  std::vector<Pending> pending_;
  // Where in pending_ each key is: by its hash, the next free place behind it. A table of nodes took a third of the time.
  struct Place {
    std::uint32_t hash;
    std::uint32_t number;  // in pending_, from 1; 0: free
  };
  std::vector<Place> places_;           // a power of two of them, half of them free at least
  bool has_expected_ = false;
};

}  // namespace maps
