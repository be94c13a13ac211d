// hash:FILE and btree:FILE: Berkeley DB files named FILE.db, as postmap makes them, of either implementation.

#include <cerrno>
#include <chrono>
#include <memory>

#include <fcntl.h>
#include <fmt/core.h>

#include "lib/base/fd.h"
#include "lib/maps/berkeley_check.h"
#include "lib/maps/berkeley_file.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/registry.h"
#include "lib/maps/text_table.h"

namespace maps {
namespace {

constexpr std::chrono::seconds lock_timeout{10};       // a file that postmap is writing in place
constexpr int open_attempts = 5;                       // a file that is replaced between two looks at it
constexpr std::size_t read_cache = 1024 * 1024;        // bytes
constexpr std::size_t update_cache = 4 * 1024 * 1024;

// Do the keys and values of the file end in a NUL? Until the first hit nobody knows, and both are tried.
enum class Nul { unknown, with, without };

Nul initial_nul(Flags flags) {
  if (has(flags, Flags::with_nul)) return Nul::with;
  if (has(flags, Flags::without_nul)) return Nul::without;
  return Nul::unknown;
}

// Values are text up to their NUL.
std::string_view text_of(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

class NulKeys {
 public:
  explicit NulKeys(Flags flags) : nul_(initial_nul(flags)) {}

  Result<Found> get(BerkeleyFile& file, std::string_view key) {
    if (nul_ != Nul::without) {
      const auto value = TRY(file.get(terminated(key)));
      if (value) return hit(Nul::with, *value);
    }
    if (nul_ != Nul::with) {
      const auto value = TRY(file.get(key));
      if (value) return hit(Nul::without, *value);
    }
    return Found{};
  }
  Result<bool> erase(BerkeleyFile& file, std::string_view key) const {
    if (nul_ != Nul::without && TRY(file.erase(terminated(key)))) return true;
    return nul_ != Nul::with && TRY(file.erase(key));
  }
  [[nodiscard]] static std::string terminated(std::string_view text) { return std::string(text) + '\0'; }

 private:
  Result<Found> hit(Nul nul, std::string_view value) {
    nul_ = nul;
    return Found(text_of(value));
  }
  Nul nul_;
};

// Read-only. Each lookup is made under a shared lock, which keeps out a postmap that writes in place, and on the file
// that has the name now, as far as we can see it.
class BerkeleyTable final : public Table {
 public:
  BerkeleyTable(const OpenRequest& request, BerkeleyKind kind)
      : Table(request.full_name()), path_(request.path() + ".db"), kind_(kind), keys_(request.flags) {
    request.tables.reads_file(path_, Rereads::when_changed);
  }

  Result<Found> lookup(std::string_view key) override {
    const Held held = TRY(hold());
    return keys_.get(held.file(), key);
  }
  Result<void> ready() override {
    const Held held = TRY(hold());
    return {};
  }
  Result<void> each(const Visitor& visit) override {
    const Held held = TRY(hold());
    return held.file().each([&](std::string_view key, std::string_view value) { visit(text_of(key), text_of(value)); });
  }

 private:
  struct Open {
    Fd lock;  // a description of our own: the library's may come and go
    BerkeleyFile file;
    FileStamp stamp;
  };

  // The file, locked. Nothing may park while one of these lives.
  class Held {
   public:
    explicit Held(std::shared_ptr<Open> open) : open_(std::move(open)) {}
    Held(Held&&) = default;
    Held& operator=(Held&&) = delete;
    Held(const Held&) = delete;
    ~Held() {
      if (open_) unlock_file(open_->lock.get());
    }
    [[nodiscard]] BerkeleyFile& file() const { return open_->file; }

   private:
    std::shared_ptr<Open> open_;
  };

  Result<Held> hold() {
    for (int attempt = 0; attempt < open_attempts; ++attempt) {
      if (!open_) {
        TRY(open());
      } else {
        TRY(lock(open_->lock));
      }
      const std::shared_ptr<Open> current = open_;
      Held held(current);
      if (TRY(is_current(*current))) return held;
      open_.reset();
    }
    return base::fail(fmt::format("open database {}: the file keeps changing", path_));
  }

  Result<void> lock(const Fd& fd) const {
    auto locked = lock_file(fd.get(), LockMode::shared, base::after(lock_timeout));
    if (!locked) return base::Failure(std::move(locked).error().within(fmt::format("lock database {}", path_)));
    return {};
  }

  // The file under the name, or where that is out of sight (chroot) the one that we have, is as it was when we opened it.
  Result<bool> is_current(const Open& open) const {
    if (const auto named = stamp_of(path_)) return *named == open.stamp;
    return TRY(stamp_of(open.lock.get())) == open.stamp;
  }

  // Leaves the file locked.
  Result<void> open() {
    Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return base::fail_system(fmt::format("open database {}", path_));
    TRY(lock(fd));
    const FileStamp stamp = TRY(stamp_of(fd.get()));
    if (auto checked = check_berkeley_file(fd.get()); !checked) {
      return base::Failure(std::move(checked).error().within(fmt::format("open database {}", path_)));
    }
    BerkeleyFile file = TRY(BerkeleyFile::open(path_, {.kind = kind_, .cache_bytes = read_cache}));
    open_ = std::make_shared<Open>(std::move(fd), std::move(file), stamp);
    return {};
  }

  std::string path_;
  BerkeleyKind kind_;
  NulKeys keys_;
  std::shared_ptr<Open> open_;
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
    if (auto locked = lock_file(fd.get(), LockMode::exclusive, base::after(lock_timeout)); !locked) {
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
  auto table = std::make_shared<BerkeleyTable>(request, kind);
  static_cast<void>(table->ready());  // now, before a chroot hides the file; a failure is told by each lookup
  return table;
}

}  // namespace

OpenResult open_hash(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::hash); }
OpenResult open_btree(const OpenRequest& request) { return open_berkeley(request, BerkeleyKind::btree); }

}  // namespace maps
