// lmdb:FILE: an LMDB file, FILE.lmdb, without LMDB's own locks: who writes in place (Postfix) holds the lock of the whole
// file, and so do readers for the length of a lookup.

#include <memory>

#include <fmt/core.h>
#include <lmdb.h>
#include <sys/stat.h>

#include "lib/maps/module.h"

namespace maps {
namespace {

constexpr unsigned common_flags = MDB_NOSUBDIR | MDB_NOLOCK;
constexpr std::size_t page_size = 4096;
constexpr std::size_t entry_overhead = 32;  // bytes that an entry takes besides its key and value, at most

base::Failure failed(std::string_view what, int code) {
  const bool is_damage = code == MDB_CORRUPTED || code == MDB_INVALID || code == MDB_PAGE_NOTFOUND || code == MDB_VERSION_MISMATCH;
  return base::fail(fmt::format("{}: {}", what, ::mdb_strerror(code)), code > 0 ? code : is_damage ? module::damaged : 0);
}

struct CloseEnvironment {
  void operator()(MDB_env* environment) const { ::mdb_env_close(environment); }
};
using Environment = std::unique_ptr<MDB_env, CloseEnvironment>;

struct AbortTransaction {
  void operator()(MDB_txn* transaction) const { ::mdb_txn_abort(transaction); }
};
using Transaction = std::unique_ptr<MDB_txn, AbortTransaction>;

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { ::mdb_cursor_close(cursor); }
};

MDB_val value_of(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

Result<Environment> open_environment(const std::string& path, unsigned flags, std::size_t map_bytes) {
  const std::string what = fmt::format("open database {}", path);
  MDB_env* handle = nullptr;
  if (const int code = ::mdb_env_create(&handle); code != 0) return failed(what, code);
  Environment environment(handle);
  if (map_bytes > 0) ::mdb_env_set_mapsize(handle, map_bytes);
  if (const int code = ::mdb_env_open(handle, path.c_str(), common_flags | flags, 0600); code != 0) return failed(what, code);
  return environment;
}

Result<Transaction> begin(MDB_env* environment, unsigned flags) {
  MDB_txn* handle = nullptr;
  int code = ::mdb_txn_begin(environment, nullptr, flags, &handle);
  if (code == MDB_MAP_RESIZED) {
    // Another process has made the file longer.
    code = ::mdb_env_set_mapsize(environment, 0);
    if (code == 0) code = ::mdb_txn_begin(environment, nullptr, flags, &handle);
  }
  if (code != 0) return failed("begin a transaction", code);
  return Transaction(handle);
}

Result<MDB_dbi> open_database(MDB_txn* transaction) {
  MDB_dbi database = 0;
  if (const int code = ::mdb_dbi_open(transaction, nullptr, 0, &database); code != 0) return failed("open database", code);
  return database;
}

// Pages that are not there would be a signal when they are looked at.
Result<void> check_size(MDB_env* environment, off_t size, const std::string& path) {
  MDB_envinfo info{};
  ::mdb_env_info(environment, &info);
  if (static_cast<std::size_t>(size) >= (info.me_last_pgno + 1) * page_size) return {};
  return base::fail(fmt::format("open database {}: the file is cut off", path), module::damaged);
}

Result<std::optional<std::string>> get_from(MDB_env* environment, std::string_view key) {
  const Transaction transaction = TRY(begin(environment, MDB_RDONLY));
  const MDB_dbi database = TRY(open_database(transaction.get()));
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const int code = ::mdb_get(transaction.get(), database, &wanted, &found);
  // A key longer than any that could be stored is not there.
  if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return std::optional<std::string>{};
  if (code != 0) return failed("read database", code);
  return std::optional<std::string>(view_of(found));
}

// Whoever holds this holds the file's lock for each call.
class LmdbFile final : public module::IndexReader {
 public:
  static Result<std::unique_ptr<module::IndexReader>> open(int fd, const std::string& path) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return base::fail_system(fmt::format("fstat {}", path));
    // Of an empty file the library would make a new one.
    if (status.st_size == 0) return failed(fmt::format("open database {}", path), MDB_INVALID);
    auto file = std::make_unique<LmdbFile>();
    file->environment_ = TRY(open_environment(path, MDB_RDONLY, 0));
    TRY(check_size(file->environment_.get(), status.st_size, path));
    return file;
  }

  Result<std::optional<std::string>> get(std::string_view key) override { return get_from(environment_.get(), key); }
  Result<void> each(const Visitor& visit) override {
    const Transaction transaction = TRY(begin(environment_.get(), MDB_RDONLY));
    const MDB_dbi database = TRY(open_database(transaction.get()));
    MDB_cursor* handle = nullptr;
    if (const int code = ::mdb_cursor_open(transaction.get(), database, &handle); code != 0) return failed("read database", code);
    const std::unique_ptr<MDB_cursor, CloseCursor> cursor(handle);
    MDB_val key{};
    MDB_val value{};
    int code = ::mdb_cursor_get(handle, &key, &value, MDB_FIRST);
    for (; code == 0; code = ::mdb_cursor_get(handle, &key, &value, MDB_NEXT)) visit(view_of(key), view_of(value));
    if (code != MDB_NOTFOUND) return failed("read database", code);
    return {};
  }

 private:
  Environment environment_;
};

constexpr std::string_view suffix = ".lmdb";

// Changes, in transactions that are small beside the map, so that none finds it full. `name` is for messages.
class Writer {
 public:
  Writer(MDB_env* environment, std::string name) : environment_(environment), name_(std::move(name)) {}

  Result<bool> put(std::string_view key, std::string_view value, unsigned flags) {
    TRY(make_room(key.size() + value.size() + entry_overhead));
    MDB_val stored_key = value_of(key);
    MDB_val stored = value_of(value);
    const int code = ::mdb_put(transaction_.get(), database_, &stored_key, &stored, flags);
    if (code == MDB_KEYEXIST) return false;
    if (code != 0) return failed("error updating " + name_, code);
    return true;
  }
  Result<bool> erase(std::string_view key) {
    TRY(make_room(key.size() + entry_overhead));
    MDB_val wanted = value_of(key);
    const int code = ::mdb_del(transaction_.get(), database_, &wanted, nullptr);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return false;
    if (code != 0) return failed("error updating " + name_, code);
    return true;
  }
  // A transaction that can take `bytes` more. At its beginning a quarter of the map is used at most; copies of all that
  // take another, and what it may add, with half-filled pages, a third.
  Result<void> make_room(std::size_t bytes) {
    if (transaction_ && added_ + bytes <= budget_) {
      added_ += bytes;
      return {};
    }
    TRY(end_transaction());
    MDB_envinfo info{};
    ::mdb_env_info(environment_, &info);
    std::size_t size = info.me_mapsize;
    while (size / 4 < (info.me_last_pgno + 16) * page_size || size / 8 < bytes + page_size) size *= 2;
    if (size != info.me_mapsize) {
      if (const int code = ::mdb_env_set_mapsize(environment_, size); code != 0) return failed("enlarge database " + name_, code);
    }
    budget_ = size / 8;
    added_ = bytes;
    transaction_ = TRY(begin(environment_, 0));
    database_ = TRY(open_database(transaction_.get()));
    return {};
  }
  Result<void> end_transaction() {
    if (!transaction_) return {};
    if (const int code = ::mdb_txn_commit(transaction_.release()); code != 0) return failed("write database " + name_, code);
    return {};
  }
  // What has not been committed is as if it had not been asked for.
  void abandon() { transaction_.reset(); }

 private:
  MDB_env* environment_;
  std::string name_;
  Transaction transaction_;
  MDB_dbi database_ = 0;
  std::size_t added_ = 0;   // bytes in the transaction
  std::size_t budget_ = 0;  // bytes that it may take
};

std::string name_for_messages(const std::string& path) { return "lmdb:" + path.substr(0, path.rfind(suffix)); }

class LmdbIndex final : public IndexFile {
 public:
  LmdbIndex(Environment environment, const std::string& path)
      : path_(name_for_messages(path)), environment_(std::move(environment)), writer_(environment_.get(), path_) {}

  Result<bool> put(std::string_view key, std::string_view value, IfPresent what) override {
    return writer_.put(key, value, what == IfPresent::keep ? MDB_NOOVERWRITE : 0);
  }
  Result<bool> erase(std::string_view key) override { return writer_.erase(key); }
  Result<void> commit() override {
    TRY(writer_.make_room(0));  // an empty table has its pages too
    TRY(writer_.end_transaction());
    if (const int code = ::mdb_env_sync(environment_.get(), 1); code != 0) return failed("write database " + path_, code);
    environment_.reset();
    return {};
  }

 private:
  std::string path_;
  Environment environment_;
  Writer writer_;
};

class LmdbStore final : public module::IndexStore {
 public:
  static Result<std::unique_ptr<module::IndexStore>> open(int fd, const std::string& path) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return base::fail_system(fmt::format("fstat {}", path));
    Environment environment = TRY(open_environment(path, 0, 0));
    if (status.st_size > 0) TRY(check_size(environment.get(), status.st_size, path));
    return std::make_unique<LmdbStore>(std::move(environment), path);
  }
  LmdbStore(Environment environment, const std::string& path)
      : environment_(std::move(environment)), writer_(environment_.get(), name_for_messages(path)) {}

  Result<std::optional<std::string>> get(std::string_view key) override { return get_from(environment_.get(), key); }
  Result<void> put(std::string_view key, std::string_view value) override {
    auto put = writer_.put(key, value, 0);
    if (!put) writer_.abandon();
    if (!put) return base::Failure(std::move(put).error());
    return {};
  }
  Result<bool> erase(std::string_view key) override {
    auto erased = writer_.erase(key);
    if (!erased) writer_.abandon();
    return erased;
  }
  Result<bool> walk(std::string_view after, std::size_t limit, const module::IndexReader::Visitor& visit) override {
    const Transaction transaction = TRY(begin(environment_.get(), MDB_RDONLY));
    const MDB_dbi database = TRY(open_database(transaction.get()));
    MDB_cursor* handle = nullptr;
    if (const int code = ::mdb_cursor_open(transaction.get(), database, &handle); code != 0) return failed("read database", code);
    const std::unique_ptr<MDB_cursor, CloseCursor> cursor(handle);
    MDB_val key = value_of(after);
    MDB_val value{};
    int code = ::mdb_cursor_get(handle, &key, &value, after.empty() ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && !after.empty() && view_of(key) == after) code = ::mdb_cursor_get(handle, &key, &value, MDB_NEXT);
    for (; code == 0 && limit > 0; --limit, code = ::mdb_cursor_get(handle, &key, &value, MDB_NEXT)) visit(view_of(key), view_of(value));
    if (code == 0) return true;
    if (code != MDB_NOTFOUND) return failed("read database", code);
    return false;
  }
  Result<void> sync() override { return writer_.end_transaction(); }

 private:
  Environment environment_;
  Writer writer_;
};

Result<std::unique_ptr<IndexFile>> build(const std::string& path, const IndexFile::Options& options) {
  return std::make_unique<LmdbIndex>(TRY(open_environment(path, MDB_NOSYNC, options.map_bytes)), path);
}

constexpr module::IndexFormat format{
    .suffix = suffix, .open = &LmdbFile::open, .build = &build, .store = &LmdbStore::open, .no_update = ""};
constexpr module::Module lmdb{.index = &format};

}  // namespace
}  // namespace maps

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::lmdb; }
