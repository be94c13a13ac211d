#include "lib/maps/berkeley_file.h"

#include <cerrno>
#include <memory>
#include <utility>

#include <db.h>
#include <fmt/core.h>

namespace maps {
namespace {

constexpr u_int32_t page_size = 4096;         // as postmap's files have it
constexpr std::size_t least_buckets = 8;      // for fewer there is nothing to win
constexpr std::size_t least_cache = 20 * 1024;  // below that the library refuses

DBT as_dbt(std::string_view text) {
  DBT dbt{};
  dbt.data = const_cast<char*>(text.data());  // the interface has one type for in and out; it does not write
  dbt.size = static_cast<u_int32_t>(text.size());
  return dbt;
}

std::string_view as_view(const DBT& dbt) { return {static_cast<const char*>(dbt.data), dbt.size}; }

// The library explains its errors on standard error; our Error says it in one line instead.
void swallow_message(const DB_ENV*, const char*, const char*) {}

// Library codes are negative; a file that is not what it should be has EINVAL as its nearest errno.
std::string reason(int code) { return base::Error::system("", code).message().substr(2); }

std::string describe(int code) { return code > 0 ? reason(code) : std::string(::db_strerror(code)); }

Result<void> configure(DB& handle, const BerkeleyFile::Options& options) {
  handle.set_errcall(&handle, &swallow_message);
  int code = 0;
  if (options.cache_bytes >= least_cache) {
    constexpr std::size_t gigabyte = 1024 * 1024 * 1024;
    code = handle.set_cachesize(&handle, static_cast<u_int32_t>(options.cache_bytes / gigabyte),
                                static_cast<u_int32_t>(options.cache_bytes % gigabyte), 1);
  }
  if (code == 0 && (options.access == BerkeleyFile::Access::create || options.access == BerkeleyFile::Access::fill)) {
    code = handle.set_pagesize(&handle, page_size);
    // With checksums a page that is damaged later is an error at its reading, never a key that is not found.
    if (code == 0) code = handle.set_flags(&handle, DB_CHKSUM);
    if (code == 0 && options.kind == BerkeleyKind::hash && options.buckets >= least_buckets) {
      // The library takes the entries that it is told to expect for entries that are there, and divides buckets when there
      // are more than `per_bucket` in each. So it is told of as few as give this number of buckets (a half and one, which
      // it rounds up to the next power of two), and of a number per bucket that leaves room for all that come.
      const auto half = static_cast<u_int32_t>(options.buckets / 2);
      const auto per_bucket = static_cast<u_int32_t>(options.entries / (half - 1) + 1);
      code = handle.set_h_ffactor(&handle, per_bucket);
      if (code == 0) code = handle.set_h_nelem(&handle, half * per_bucket + 1);
    }
  }
  if (code != 0) return base::fail(describe(code), code > 0 ? code : EINVAL);
  return {};
}

}  // namespace

Result<BerkeleyFile> BerkeleyFile::open(const std::string& path, const Options& options) {
  DB* handle = nullptr;
  if (const int code = ::db_create(&handle, nullptr, 0); code != 0) return base::fail(fmt::format("open database {}: {}", path, describe(code)), code);
  BerkeleyFile file(handle, path, options.kind);
  if (auto configured = configure(*handle, options); !configured) {
    return base::Failure(std::move(configured).error().within(fmt::format("open database {}", path)));
  }
  u_int32_t flags = 0;
  switch (options.access) {
    // No mmap: a file that another program cuts short must be an error, not a signal.
    case Access::read: flags = DB_RDONLY | DB_NOMMAP; break;
    case Access::update: break;
    case Access::create: flags = DB_CREATE | DB_EXCL; break;
    case Access::fill: flags = DB_CREATE; break;
  }
  const DBTYPE type = options.kind == BerkeleyKind::hash ? DB_HASH : DB_BTREE;
  if (const int code = handle->open(handle, nullptr, path.c_str(), nullptr, type, flags, 0600); code != 0) {
    return file.failed("open database", code);
  }
  return file;
}

BerkeleyFile::BerkeleyFile(BerkeleyFile&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)), kind_(other.kind_) {}

BerkeleyFile& BerkeleyFile::operator=(BerkeleyFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  std::swap(kind_, other.kind_);
  return *this;
}

BerkeleyFile::~BerkeleyFile() {
  if (handle_ != nullptr) static_cast<void>(handle_->close(handle_, DB_NOSYNC));
}

base::Failure BerkeleyFile::failed(std::string_view what, int code) const {
  return base::fail(fmt::format("{} {}: {}", what, path_, describe(code)), code > 0 ? code : EINVAL);
}

Result<std::optional<std::string>> BerkeleyFile::get(std::string_view key) {
  DBT wanted = as_dbt(key);
  DBT found{};
  const int code = handle_->get(handle_, nullptr, &wanted, &found, 0);
  if (code == DB_NOTFOUND) return std::optional<std::string>{};
  if (code != 0) return failed("read database", code);
  return std::optional<std::string>(as_view(found));
}

Result<bool> BerkeleyFile::put(std::string_view key, std::string_view value, IfPresent what) {
  DBT key_dbt = as_dbt(key);
  DBT value_dbt = as_dbt(value);
  const int code = handle_->put(handle_, nullptr, &key_dbt, &value_dbt, what == IfPresent::keep ? DB_NOOVERWRITE : 0);
  if (code == DB_KEYEXIST) return false;
  if (code != 0) return failed("write database", code);
  return true;
}

Result<bool> BerkeleyFile::erase(std::string_view key) {
  DBT key_dbt = as_dbt(key);
  const int code = handle_->del(handle_, nullptr, &key_dbt, 0);
  if (code == DB_NOTFOUND) return false;
  if (code != 0) return failed("write database", code);
  return true;
}

Result<void> BerkeleyFile::each(const std::function<void(std::string_view key, std::string_view value)>& visit) {
  DBC* cursor = nullptr;
  if (const int code = handle_->cursor(handle_, nullptr, &cursor, 0); code != 0) return failed("read database", code);
  DBT key{};
  DBT value{};
  int code = 0;
  while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) visit(as_view(key), as_view(value));
  static_cast<void>(cursor->close(cursor));
  if (code != DB_NOTFOUND) return failed("read database", code);
  return {};
}

Result<bool> BerkeleyFile::walk(std::string_view after, std::size_t limit,
                                const std::function<void(std::string_view key, std::string_view value)>& visit) {
  DBC* handle = nullptr;
  if (const int code = handle_->cursor(handle_, nullptr, &handle, 0); code != 0) return failed("read database", code);
  const std::unique_ptr<DBC, void (*)(DBC*)> cursor(handle, [](DBC* open) { static_cast<void>(open->close(open)); });
  DBT key = as_dbt(after);
  DBT value{};
  int code = 0;
  if (after.empty()) {
    code = handle->get(handle, &key, &value, DB_FIRST);
  } else {
    code = handle->get(handle, &key, &value, kind_ == BerkeleyKind::btree ? DB_SET_RANGE : DB_SET);
    if (code == DB_NOTFOUND && kind_ == BerkeleyKind::hash) return base::fail(fmt::format("{}: an entry has gone", path_));
    if (code == 0 && as_view(key) == after) code = handle->get(handle, &key, &value, DB_NEXT);
  }
  for (; code == 0 && limit > 0; --limit, code = handle->get(handle, &key, &value, DB_NEXT)) visit(as_view(key), as_view(value));
  if (code == 0) return true;
  if (code != DB_NOTFOUND) return failed("read database", code);
  return false;
}

Result<void> BerkeleyFile::commit() {
  DB* const handle = std::exchange(handle_, nullptr);
  if (const int code = handle->close(handle, 0); code != 0) return failed("close database", code);
  return {};
}

Result<void> BerkeleyFile::sync() {
  if (const int code = handle_->sync(handle_, 0); code != 0) return failed("write database", code);
  return {};
}

int BerkeleyFile::fd() const {
  int number = -1;
  return handle_->fd(handle_, &number) == 0 ? number : -1;
}

}  // namespace maps
