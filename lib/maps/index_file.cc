#include "lib/maps/index_file.h"

#include <algorithm>
#include <bit>

#include <unistd.h>

#include "lib/maps/berkeley_file.h"
#include "lib/maps/module.h"

namespace maps {
namespace {

constexpr std::size_t page_room = 4000;       // bytes of a hash's page that entries may take
constexpr std::size_t entry_overhead = 6;     // bytes that an entry takes besides its key and value
constexpr std::size_t buckets_limit = std::size_t{1} << 26;

class BerkeleyIndex final : public IndexFile {
 public:
  using Options = BerkeleyFile::Options;
  static Result<std::unique_ptr<IndexFile>> open(const std::string& path, const Options& options) {
    return std::make_unique<BerkeleyIndex>(TRY(BerkeleyFile::open(path, options)), path, options);
  }
  BerkeleyIndex(BerkeleyFile file, std::string path, const Options& options) : file_(std::move(file)), path_(std::move(path)), options_(options) {}

  // A hash that has its buckets from the start has none to divide while it grows, which is half of the work.
  Result<std::size_t> expect(std::size_t entries, std::size_t bytes) override {
    if (options_.kind != BerkeleyKind::hash || options_.access != BerkeleyFile::Access::create) return 0;
    const std::size_t pages = (bytes + entries * entry_overhead) / page_room + 1;
    options_.buckets = std::min(std::bit_ceil(pages + pages / 8), buckets_limit);
    options_.entries = entries;
    TRY(file_.commit());
    if (::unlink(path_.c_str()) != 0) return base::fail_system("remove " + path_);
    file_ = TRY(BerkeleyFile::open(path_, options_));
    return options_.buckets;
  }
  Result<bool> put(std::string_view key, std::string_view value, IfPresent what) override {
    return file_.put(key, value, what == IfPresent::keep ? BerkeleyFile::IfPresent::keep : BerkeleyFile::IfPresent::replace);
  }
  Result<bool> erase(std::string_view key) override { return file_.erase(key); }
  Result<void> commit() override { return file_.commit(); }

 private:
  BerkeleyFile file_;
  std::string path_;
  Options options_;
};

Result<std::unique_ptr<IndexFile>> open_berkeley(const std::string& path, BerkeleyKind kind, const IndexFile::Options& options) {
  const auto access = options.start == IndexFile::Start::anew ? BerkeleyFile::Access::create : BerkeleyFile::Access::update;
  return BerkeleyIndex::open(path, {.kind = kind, .access = access, .cache_bytes = options.cache_bytes});
}

}  // namespace

std::optional<IndexKind> index_kind(std::string_view type) {
  if (type == "hash") return IndexKind::hash;
  if (type == "btree") return IndexKind::btree;
  if (type == "lmdb") return IndexKind::lmdb;
  if (type == "cdb") return IndexKind::cdb;
  return std::nullopt;
}

std::string_view index_suffix(IndexKind kind) {
  switch (kind) {
    case IndexKind::hash:
    case IndexKind::btree: break;
    case IndexKind::lmdb: return ".lmdb";
    case IndexKind::cdb: return ".cdb";
  }
  return ".db";
}

Result<std::unique_ptr<IndexFile>> IndexFile::open(const std::string& path, const Options& options) {
  switch (options.kind) {
    case IndexKind::hash: return open_berkeley(path, BerkeleyKind::hash, options);
    case IndexKind::btree: return open_berkeley(path, BerkeleyKind::btree, options);
    case IndexKind::lmdb:
    case IndexKind::cdb:
      if (options.format != nullptr) return options.format->build(path, options);
  }
  return base::fail("the format of the index is not known here");
}

}  // namespace maps
