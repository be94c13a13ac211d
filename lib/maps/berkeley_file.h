#pragma once
// One Berkeley DB file (5.3's C interface) with one owner. One thread at a time uses a handle. Keys and values are bytes,
// NULs included: what they mean is up to the callers.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

struct __db;

namespace maps {

enum class BerkeleyKind { hash, btree };

class BerkeleyFile {
 public:
  enum class Access {
    read,    // the file must be there and whole
    update,  // the same, for writing
    create,  // a new file; there must be none
    fill,    // an empty file, which is there
  };
  struct Options {
    BerkeleyKind kind = BerkeleyKind::hash;
    Access access = Access::read;
    std::size_t cache_bytes = 0;       // 0: the library's own, 256 KiB
    std::size_t buckets = 0;           // create, hash: how many there are from the start, a power of two; 0: the library's own
    std::size_t entries = 0;           // with buckets: how many entries are to come
  };
  // The error is "open database PATH: reason".
  static Result<BerkeleyFile> open(const std::string& path, const Options& options);

  BerkeleyFile(BerkeleyFile&& other) noexcept;
  BerkeleyFile& operator=(BerkeleyFile&& other) noexcept;
  BerkeleyFile(const BerkeleyFile&) = delete;
  BerkeleyFile& operator=(const BerkeleyFile&) = delete;
  ~BerkeleyFile();  // abandons what was not written

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key);
  enum class IfPresent { keep, replace };
  // Whether it was written: false when the key was there and is kept.
  [[nodiscard]] Result<bool> put(std::string_view key, std::string_view value, IfPresent what);
  [[nodiscard]] Result<bool> erase(std::string_view key);
  // Every pair in the file's order. The views live for the call.
  [[nodiscard]] Result<void> each(const std::function<void(std::string_view key, std::string_view value)>& visit);

  // The pairs after that of this key, or from the first on, `limit` at most; false when there are no more. In a hash, whose
  // order says nothing of a key that is not there, that is an error.
  [[nodiscard]] Result<bool> walk(std::string_view after, std::size_t limit,
                                  const std::function<void(std::string_view key, std::string_view value)>& visit);

  // Writes everything to the file (no fsync of a directory), and closes. The handle is gone either way.
  [[nodiscard]] Result<void> commit();
  // Writes and fsyncs; the handle stays.
  [[nodiscard]] Result<void> sync();
  // The library's descriptor, to look at the file's identity. Borrowed.
  [[nodiscard]] int fd() const;

 private:
  BerkeleyFile(__db* handle, std::string path, BerkeleyKind kind) : handle_(handle), path_(std::move(path)), kind_(kind) {}
  [[nodiscard]] base::Failure failed(std::string_view what, int code) const;

  __db* handle_ = nullptr;
  std::string path_;
  BerkeleyKind kind_;
};

}  // namespace maps
