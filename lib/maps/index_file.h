#pragma once
// The formats of an index that postmap makes, behind one interface for IndexBuilder. An index grows under a name of its
// own that nobody else opens: no locks are needed, and no step need be durable before the last.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace maps {

namespace module {
struct IndexFormat;
}

enum class IndexKind { hash, btree, lmdb, cdb };

// The kind of a type that can be built ("hash", "btree", "lmdb", "cdb"; the last two where their module is).
[[nodiscard]] std::optional<IndexKind> index_kind(std::string_view type);
// ".db", ".lmdb", ".cdb".
[[nodiscard]] std::string_view index_suffix(IndexKind kind);

class IndexFile {
 public:
  enum class IfPresent { keep, replace };

  IndexFile() = default;
  IndexFile(const IndexFile&) = delete;
  IndexFile& operator=(const IndexFile&) = delete;
  virtual ~IndexFile() = default;  // abandons what was not committed

  // To be told before the first put of a new file, if it is known: how many entries there will be, and of how many bytes.
  // The answer: in how many buckets, a power of two, they will lie by the low bits of their hash; 0: in no such order.
  [[nodiscard]] virtual Result<std::size_t> expect(std::size_t entries, std::size_t bytes) {
    static_cast<void>(entries), static_cast<void>(bytes);
    return 0;
  }
  // Whether it was written: false when the key was there and is kept.
  [[nodiscard]] virtual Result<bool> put(std::string_view key, std::string_view value, IfPresent what) = 0;
  [[nodiscard]] virtual Result<bool> erase(std::string_view key) = 0;
  // Writes everything to the file (no fsync), and closes it.
  [[nodiscard]] virtual Result<void> commit() = 0;

  enum class Start { anew, from_copy };
  struct Options {
    IndexKind kind = IndexKind::hash;
    const module::IndexFormat* format = nullptr;  // of the module, for lmdb and cdb
    Start start = Start::anew;
    std::size_t cache_bytes = 0;     // hash and btree
    std::size_t map_bytes = 0;       // lmdb: the size to begin with
  };
  // from_copy: the file is there, a copy of an index. The error's code is that of the system call that failed, if any.
  static Result<std::unique_ptr<IndexFile>> open(const std::string& path, const Options& options);
};

}  // namespace maps
