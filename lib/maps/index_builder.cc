#include "lib/maps/index_builder.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/maps/berkeley_page.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/module.h"

namespace maps {
namespace {

constexpr std::chrono::seconds lock_timeout{60};
constexpr std::size_t arena_chunk = 1024 * 1024;          // bytes
constexpr std::size_t arena_limit = 256 * 1024 * 1024;    // pending bytes that are written before more are taken
constexpr std::size_t least_places = 1024;

struct Existing {
  Fd fd;
  struct stat status{};
};

// The index as it is, locked, and still under its name. None when there is none.
Result<std::optional<Existing>> open_existing(const std::string& path) {
  for (;;) {
    Existing existing;
    existing.fd = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!existing.fd) {
      if (errno == ENOENT) return std::optional<Existing>{};
      return base::fail_system(fmt::format("open {}", path));
    }
    if (auto locked = lock_file(existing.fd.get(), LockMode::exclusive, base::after(lock_timeout)); !locked) {
      return base::Failure(std::move(locked).error().within(fmt::format("lock database {}", path)));
    }
    struct stat named{};
    if (::fstat(existing.fd.get(), &existing.status) != 0) return base::fail_system(fmt::format("fstat {}", path));
    if (::stat(path.c_str(), &named) == 0 && named.st_ino == existing.status.st_ino && named.st_dev == existing.status.st_dev) {
      return existing;
    }
  }
}

Result<void> copy_to(const Fd& from, const std::string& path) {
  const Fd to(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to) return base::fail_system(fmt::format("create {}", path));
  constexpr std::size_t block = 16 * 1024 * 1024;
  off_t at = 0;
  for (;;) {
    const ssize_t copied = ::copy_file_range(from.get(), &at, to.get(), nullptr, block, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return base::fail_system(fmt::format("copy to {}", path));
    if (copied == 0) return {};
  }
}

Result<void> sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return base::fail_system(fmt::format("fsync {}", directory));
  return {};
}

}  // namespace

Result<IndexBuilder> IndexBuilder::open(const std::string& path, const Options& options) {
  const std::string index = path + std::string(index_suffix(options.kind));
  const std::string temporary = fmt::format("{}.new-{}", index, ::getpid());
  auto existing = TRY(open_existing(index));
  if (!existing && options.start == StartFrom::index) {
    return base::Failure(base::Error::system(fmt::format("open database {}", index), ENOENT));
  }
  // Left behind by a builder that was killed and had our process id.
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return base::fail_system(fmt::format("remove {}", temporary));
  IndexFile::Options how{.kind = options.kind, .format = options.format, .start = IndexFile::Start::anew, .cache_bytes = options.cache_bytes, .map_bytes = options.map_bytes};
  if (existing && options.start != StartFrom::nothing) {
    TRY(copy_to(existing->fd, temporary));
    how.start = IndexFile::Start::from_copy;
  }
  Result<std::unique_ptr<IndexFile>> file = IndexFile::open(temporary, how);
  if (!file) {
    const base::Error& error = file.error();
    static_cast<void>(::unlink(temporary.c_str()));
    // In the words of one who knows only the index: "open database FILE.db: Permission denied".
    const bool is_of_system = error.code() > 0 && error.code() != module::damaged;
    std::string text = is_of_system ? base::Error::system(fmt::format("open database {}", index), error.code()).message() : error.message();
    if (const std::size_t at = text.find(temporary); at != std::string::npos) text.replace(at, temporary.size(), index);
    return base::fail(std::move(text), error.code());
  }
  mode_t mode = options.mode;
  std::optional<std::pair<uid_t, gid_t>> owner;
  Fd lock;
  if (existing) {
    mode = existing->status.st_mode & 07777U;
    owner = {existing->status.st_uid, existing->status.st_gid};
    lock = std::move(existing->fd);
  }
  return IndexBuilder(index, temporary, options, std::move(*file), std::move(lock), mode, owner);
}

IndexBuilder::IndexBuilder(std::string path, std::string temporary, const Options& options, std::unique_ptr<IndexFile> file, Fd lock, mode_t mode,
                           std::optional<std::pair<uid_t, gid_t>> owner)
    : path_(std::move(path)),
      temporary_(std::move(temporary)),
      options_(options),
      file_(std::move(file)),
      lock_(std::move(lock)),
      mode_(mode),
      owner_(owner) {}

IndexBuilder::IndexBuilder(IndexBuilder&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      options_(other.options_),
      file_(std::move(other.file_)),
      lock_(std::move(other.lock_)),
      mode_(other.mode_),
      owner_(other.owner_),
      arena_(std::move(other.arena_)),
      arena_bytes_(other.arena_bytes_),
      pending_(std::move(other.pending_)),
      places_(std::move(other.places_)),
      has_expected_(other.has_expected_) {}

IndexBuilder::~IndexBuilder() {
  if (!temporary_.empty()) static_cast<void>(::unlink(temporary_.c_str()));
}

Result<void> IndexBuilder::put(std::string_view key, std::string_view value) { return add(key, value); }

Result<void> IndexBuilder::put_own(std::string_view key, std::string_view value) {
  TRY(flush());
  static_cast<void>(TRY(file_->put(key, value, IndexFile::IfPresent::replace)));
  return {};
}

void IndexBuilder::report_duplicate(std::string_view key) const {
  if (options_.if_duplicate == IfDuplicate::keep) return;
  // Each format's tables have the name that the reference gives them here.
  std::string name = path_;
  if (options_.kind == IndexKind::lmdb || options_.kind == IndexKind::cdb) name.resize(name.rfind('.'));
  if (options_.kind == IndexKind::lmdb) name.insert(0, "lmdb:");
  maillog::warning("{}: duplicate entry: \"{}\"", name, key.substr(0, key.find('\0')));
}

// The bytes, ended as they are in the file, with a home that does not move while they are pending.
std::string_view IndexBuilder::store(std::string_view bytes, bool with_nul) {
  const std::size_t size = bytes.size() + (with_nul ? 1 : 0);
  if (arena_.empty() || arena_.back().capacity() - arena_.back().size() < size) {
    arena_.emplace_back().reserve(std::max(arena_chunk, size));
  }
  std::string& chunk = arena_.back();
  const std::size_t start = chunk.size();
  chunk += bytes;
  if (with_nul) chunk += '\0';
  arena_bytes_ += size;
  return std::string_view(chunk).substr(start);
}

std::size_t IndexBuilder::place_of(std::string_view key, std::uint32_t hash) const {
  const std::size_t mask = places_.size() - 1;
  for (std::size_t place = hash & mask;; place = (place + 1) & mask) {
    const Place& found = places_[place];
    if (found.number == 0) return place;
    if (found.hash == hash && pending_[found.number - 1].key == key) return place;
  }
}

void IndexBuilder::enlarge_places() {
  std::vector<Place> larger(std::max(least_places, places_.size() * 2));
  const std::size_t mask = larger.size() - 1;
  for (const Place& place : places_) {
    if (place.number == 0) continue;
    std::size_t at = place.hash & mask;
    while (larger[at].number != 0) at = (at + 1) & mask;
    larger[at] = place;
  }
  places_ = std::move(larger);
}

Result<void> IndexBuilder::add(std::string_view key, std::string_view value) {
  const std::string_view kept = store(key, options_.with_nul);
  // A table that has entries already is asked at once: the warnings come in the order of the lines.
  if (options_.start != StartFrom::nothing) {
    auto written = write(kept, store(value, options_.with_nul));
    arena_.clear();
    arena_bytes_ = 0;
    return written;
  }
  if ((pending_.size() + 1) * 2 > places_.size()) enlarge_places();
  const std::uint32_t hash = berkeley::bucket_hash(kept);
  Place& place = places_[place_of(kept, hash)];
  if (place.number != 0) {
    if (options_.if_duplicate == IfDuplicate::replace) {
      pending_[place.number - 1].value = store(value, options_.with_nul);
    } else {
      report_duplicate(key);
    }
    return {};
  }
  pending_.push_back(Pending{hash, kept, store(value, options_.with_nul)});
  place = {hash, static_cast<std::uint32_t>(pending_.size())};
  if (arena_bytes_ > arena_limit) return flush();
  return {};
}

Result<void> IndexBuilder::write(std::string_view key, std::string_view value) {
  const auto what = options_.if_duplicate == IfDuplicate::replace ? IndexFile::IfPresent::replace : IndexFile::IfPresent::keep;
  if (!TRY(file_->put(key, value, what))) report_duplicate(key);
  return {};
}

Result<void> IndexBuilder::flush() {
  std::size_t buckets = 0;
  if (!has_expected_ && !pending_.empty() && options_.start == StartFrom::nothing) buckets = TRY(file_->expect(pending_.size(), arena_bytes_));
  has_expected_ = true;
  switch (options_.kind) {
    case IndexKind::hash: {
      // Neighbours in the file are written one after the other.
      const auto mask = static_cast<std::uint32_t>((buckets > 0 ? buckets : std::bit_ceil(pending_.size() + 1)) - 1);
      std::ranges::stable_sort(pending_, {}, [mask](const Pending& entry) { return entry.hash & mask; });
      break;
    }
    case IndexKind::btree:
    case IndexKind::lmdb: std::ranges::sort(pending_, {}, &Pending::key); break;
    case IndexKind::cdb: break;  // as it came
  }
  for (const Pending& entry : pending_) TRY(write(entry.key, entry.value));
  pending_.clear();
  places_.clear();
  arena_.clear();
  arena_bytes_ = 0;
  return {};
}

Result<bool> IndexBuilder::erase(std::string_view key) {
  TRY(flush());
  if (TRY(file_->erase(std::string(key) + '\0'))) return true;
  return file_->erase(key);
}

Result<void> IndexBuilder::commit() && {
  TRY(flush());
  TRY(file_->commit());
  const Fd file(::open(temporary_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return base::fail_system(fmt::format("open {}", temporary_));
  // Who may not give the file away keeps it; then it stays his, as when it were made anew.
  if (owner_ && ::fchown(file.get(), owner_->first, owner_->second) != 0 && errno != EPERM) {
    return base::fail_system(fmt::format("chown {}", temporary_));
  }
  if (::fchmod(file.get(), mode_) != 0) return base::fail_system(fmt::format("chmod {}", temporary_));
  if (::fsync(file.get()) != 0) return base::fail_system(fmt::format("fsync {}", temporary_));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return base::fail_system(fmt::format("rename {}", temporary_));
  temporary_.clear();
  return sync_directory_of(path_);
}

}  // namespace maps
