#pragma once
// The table of an index that postmap makes, for reading, whatever its format. A Format has a File with get() and each(),
// open(), which makes one of the file that the descriptor and the path are of, and suffix(), of its files.

#include <cerrno>
#include <chrono>
#include <memory>

#include <fcntl.h>
#include <fmt/core.h>

#include "lib/base/fd.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/registry.h"
#include "lib/maps/text_table.h"

namespace maps {

inline constexpr std::chrono::seconds index_lock_timeout{10};  // a file that postmap is writing in place
inline constexpr int index_open_attempts = 5;                  // a file that is replaced between two looks at it

// Do the keys and values of the file end in a NUL? Until the first hit nobody knows, and both are tried.
enum class Nul { unknown, with, without };

inline Nul initial_nul(Flags flags) {
  if (has(flags, Flags::with_nul)) return Nul::with;
  if (has(flags, Flags::without_nul)) return Nul::without;
  return Nul::unknown;
}

// Values are text up to their NUL.
inline std::string_view text_of(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

class NulKeys {
 public:
  explicit NulKeys(Flags flags) : nul_(initial_nul(flags)) {}

  template <class File>
  Result<Found> get(File& file, std::string_view key) {
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
  template <class File>
  Result<bool> erase(File& file, std::string_view key) const {
    if (nul_ != Nul::without && TRY(file.erase(terminated(key)))) return true;
    return nul_ != Nul::with && TRY(file.erase(key));
  }
  // A key as it is in the file, as far as we know.
  [[nodiscard]] std::string stored_form(std::string_view text) const { return nul_ == Nul::without ? std::string(text) : terminated(text); }
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
template <class Format>
class IndexTable final : public Table {
 public:
  IndexTable(const OpenRequest& request, Format format)
      : Table(request.full_name()), path_(request.path() + std::string(format.suffix())), format_(std::move(format)), keys_(request.flags) {
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
    typename Format::File file;
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
    [[nodiscard]] typename Format::File& file() const { return open_->file; }

   private:
    std::shared_ptr<Open> open_;
  };

  Result<Held> hold() {
    for (int attempt = 0; attempt < index_open_attempts; ++attempt) {
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
    auto locked = lock_file(fd.get(), LockMode::shared, base::after(index_lock_timeout));
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
    typename Format::File file = TRY(format_.open(fd.get(), path_));
    open_ = std::make_shared<Open>(std::move(fd), std::move(file), stamp);
    return {};
  }

  std::string path_;
  Format format_;
  NulKeys keys_;
  std::shared_ptr<Open> open_;
};

// Opens it now, before a chroot hides the file; a failure is told by each lookup.
template <class Format>
OpenResult open_index_table(const OpenRequest& request, Format format) {
  auto table = std::make_shared<IndexTable<Format>>(request, std::move(format));
  static_cast<void>(table->ready());
  return table;
}

}  // namespace maps
