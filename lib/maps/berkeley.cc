// hash:FILE and btree:FILE: Berkeley DB files named FILE.db, as postmap makes them, of either implementation.

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/maps/berkeley_check.h"
#include "lib/maps/berkeley_file.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/index_table.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

// Bytes. Each page is checked when it is read, so that a table is looked up in at half the cost once it is in memory; only
// as much is taken as there are pages that somebody asked for.
constexpr std::size_t least_read_cache = 256 * 1024, most_read_cache = 16 * 1024 * 1024;
constexpr std::size_t update_cache = 4 * 1024 * 1024;

struct BerkeleyFormat {
  using File = BerkeleyFile;
  [[nodiscard]] static std::string_view suffix() { return ".db"; }
  BerkeleyKind kind;

  [[nodiscard]] Result<File> open(int fd, const std::string& path) const {
    if (auto checked = check_berkeley_file(fd); !checked) {
      return base::Failure(std::move(checked).error().within(fmt::format("open database {}", path)));
    }
    struct stat status {};
    if (::fstat(fd, &status) != 0) return base::fail_system(fmt::format("open database {}", path));
    const std::size_t cache = std::clamp(static_cast<std::size_t>(status.st_size), least_read_cache, most_read_cache);
    return BerkeleyFile::open(path, {.kind = kind, .cache_bytes = cache});
  }
};

// For tables that are caches. One process at a time: the lock is held for as long as the table is open.
class BerkeleyStore final : public Table {
 public:
  static OpenResult open(const OpenRequest& request, BerkeleyKind kind) {
    const std::string path = request.path() + ".db";
    Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd && errno == ENOENT) {
      BerkeleyFile made = TRY(BerkeleyFile::open(path, {.kind = kind, .access = BerkeleyFile::Access::create}));
      TRY(std::move(made).commit());
      fd.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    }
    if (!fd) return base::fail_system(fmt::format("open database {}", path));
    if (auto locked = lock_file(fd.get(), LockMode::exclusive, base::after(index_lock_timeout)); !locked) {
      return base::Failure(std::move(locked).error().within(fmt::format("lock database {}", path)));
    }
    if (auto checked = check_berkeley_file(fd.get()); !checked) {
      return base::Failure(std::move(checked).error().within(fmt::format("open database {}", path)));
    }
    BerkeleyFile file = TRY(BerkeleyFile::open(path, {.kind = kind, .access = BerkeleyFile::Access::update, .cache_bytes = update_cache}));
    return std::shared_ptr<Table>(new BerkeleyStore(request, std::move(fd), std::move(file)));
  }

  Result<Found> lookup(std::string_view key) override { return keys_.get(file_, key); }
  Result<void> each(const Visitor& visit) override {
    return file_.each([&](std::string_view key, std::string_view value) { visit(text_of(key), text_of(value)); });
  }
  Result<void> put(std::string_view key, std::string_view value) override {
    static_cast<void>(TRY(file_.put(NulKeys::terminated(key), NulKeys::terminated(value), BerkeleyFile::IfPresent::replace)));
    return file_.sync();
  }
  Result<bool> erase(std::string_view key) override {
    const bool erased = TRY(keys_.erase(file_, key));
    TRY(file_.sync());
    return erased;
  }

 private:
  BerkeleyStore(const OpenRequest& request, Fd lock, BerkeleyFile file)
      : Table(request.full_name()), lock_(std::move(lock)), file_(std::move(file)), keys_(request.flags) {}
  Fd lock_;
  BerkeleyFile file_;
  NulKeys keys_;
};

OpenResult open_berkeley(const OpenRequest& request, BerkeleyKind kind) {
  if (request.for_update) return BerkeleyStore::open(request, kind);
  return open_index_table(request, BerkeleyFormat{kind});
}

}  // namespace

OpenResult open_hash(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::hash); }
OpenResult open_btree(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::btree); }

}  // namespace maps
