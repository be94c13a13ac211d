#include "lib/maps/index_file.h"

#include "lib/maps/berkeley_file.h"
#include "lib/maps/module.h"

namespace maps {
namespace {

class BerkeleyIndex final : public IndexFile {
 public:
  explicit BerkeleyIndex(BerkeleyFile file) : file_(std::move(file)) {}
  Result<bool> put(std::string_view key, std::string_view value, IfPresent what) override {
    return file_.put(key, value, what == IfPresent::keep ? BerkeleyFile::IfPresent::keep : BerkeleyFile::IfPresent::replace);
  }
  Result<bool> erase(std::string_view key) override { return file_.erase(key); }
  Result<void> commit() override { return file_.commit(); }

 private:
  BerkeleyFile file_;
};

Result<std::unique_ptr<IndexFile>> open_berkeley(const std::string& path, BerkeleyKind kind, const IndexFile::Options& options) {
  const auto access = options.start == IndexFile::Start::anew ? BerkeleyFile::Access::create : BerkeleyFile::Access::update;
  return std::make_unique<BerkeleyIndex>(TRY(BerkeleyFile::open(path, {.kind = kind, .access = access, .cache_bytes = options.cache_bytes})));
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
