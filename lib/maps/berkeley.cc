// hash:FILE and btree:FILE: Berkeley DB files named FILE.db, as postmap makes them, of either implementation.

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/maps/berkeley_check.h"
#include "lib/maps/berkeley_file.h"
#include "lib/maps/berkeley_hash.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/index_table.h"
#include "lib/maps/module.h"
#include "lib/maps/registry.h"
#include "lib/maps/store_table.h"

namespace maps {
namespace {

// Bytes. Of a btree: each page is checked when it is read, so that it is looked up in at half the cost once it is in memory; only
// as much is taken as there are pages that somebody asked for.
constexpr std::size_t least_read_cache = 256 * 1024, most_read_cache = 16 * 1024 * 1024;
constexpr std::size_t update_cache = 4 * 1024 * 1024;

// A hash is read page by page; what that cannot (btree, all entries), by the library.
class ReadOnlyFile {
 public:
  ReadOnlyFile(std::string path, BerkeleyFile::Options options, std::optional<berkeley::HashReader> hash)
      : path_(std::move(path)), options_(options), hash_(std::move(hash)) {}

  Result<std::optional<std::string>> get(std::string_view key) {
    if (!hash_) return TRY(library()).get().get(key);
    auto found = hash_->get(key);
    if (!found) return base::Failure(std::move(found).error().within(fmt::format("read database {}", path_)));
    return found;
  }
  Result<void> each(const Table::Visitor& visit) { return TRY(library()).get().each(visit); }
  // To be opened now, before a chroot hides it, if it will be needed.
  Result<void> prepare() {
    if (!hash_) TRY(library());
    return {};
  }

 private:
  Result<std::reference_wrapper<BerkeleyFile>> library() {
    if (!library_) library_ = TRY(BerkeleyFile::open(path_, options_));
    return std::ref(*library_);
  }
  std::string path_;
  BerkeleyFile::Options options_;
  std::optional<berkeley::HashReader> hash_;
  std::optional<BerkeleyFile> library_;
};

struct BerkeleyFormat {
  using File = ReadOnlyFile;
  [[nodiscard]] static std::string_view suffix() { return ".db"; }
  BerkeleyKind kind;

  [[nodiscard]] Result<File> open(int fd, const std::string& path) const {
    const auto failed = [&path](base::Error error) { return base::Failure(std::move(error).within(fmt::format("open database {}", path))); };
    if (auto checked = berkeley::check_file(fd); !checked) return failed(std::move(checked).error());
    struct stat status {};
    if (::fstat(fd, &status) != 0) return base::fail_system(fmt::format("open database {}", path));
    const std::size_t cache = std::clamp(static_cast<std::size_t>(status.st_size), least_read_cache, most_read_cache);
    auto hash = kind == BerkeleyKind::hash ? berkeley::HashReader::open(fd) : std::optional<berkeley::HashReader>{};
    if (!hash) return failed(std::move(hash).error());
    File file(path, {.kind = kind, .cache_bytes = cache}, std::move(*hash));
    TRY(file.prepare());
    return file;
  }
};

class BerkeleyStore final : public module::IndexStore {
 public:
  static Result<std::unique_ptr<module::IndexStore>> open(int fd, const std::string& path, BerkeleyKind kind) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return base::fail_system(fmt::format("fstat {}", path));
    const bool is_empty = status.st_size == 0;
    if (auto checked = is_empty ? Result<void>{} : berkeley::check_file(fd); !checked) {
      return base::Failure(std::move(checked).error().within(fmt::format("open database {}", path)));
    }
    const auto access = is_empty ? BerkeleyFile::Access::fill : BerkeleyFile::Access::update;
    return std::make_unique<BerkeleyStore>(TRY(BerkeleyFile::open(path, {.kind = kind, .access = access, .cache_bytes = update_cache})));
  }
  explicit BerkeleyStore(BerkeleyFile file) : file_(std::move(file)) {}

  Result<std::optional<std::string>> get(std::string_view key) override { return file_.get(key); }
  Result<void> put(std::string_view key, std::string_view value) override {
    static_cast<void>(TRY(file_.put(key, value, BerkeleyFile::IfPresent::replace)));
    return {};
  }
  Result<bool> erase(std::string_view key) override { return file_.erase(key); }
  Result<bool> walk(std::string_view after, std::size_t limit, const module::IndexReader::Visitor& visit) override {
    return file_.walk(after, limit, visit);
  }
  Result<void> sync() override { return file_.sync(); }

 private:
  BerkeleyFile file_;
};

OpenResult open_berkeley(const OpenRequest& request, BerkeleyKind kind) {
  if (request.for_update) {
    const auto open = [kind](int fd, const std::string& path) { return BerkeleyStore::open(fd, path, kind); };
    return StoreTable::open(request, {.suffix = BerkeleyFormat::suffix(), .use = StoreFormat::Use::alone, .open = open});
  }
  return open_index_table(request, BerkeleyFormat{kind});
}

}  // namespace

OpenResult open_hash(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::hash); }
OpenResult open_btree(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::btree); }

}  // namespace maps
