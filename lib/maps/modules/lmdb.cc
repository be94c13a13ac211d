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
  return base::fail(fmt::format("{}: {}", what, ::mdb_strerror(code)), code > 0 ? code : 0);
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
  if (const int code = ::mdb_txn_begin(environment, nullptr, flags, &handle); code != 0) return failed("begin a transaction", code);
  return Transaction(handle);
}

Result<MDB_dbi> open_database(MDB_txn* transaction) {
  MDB_dbi database = 0;
  if (const int code = ::mdb_dbi_open(transaction, nullptr, 0, &database); code != 0) return failed("open database", code);
  return database;
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
    MDB_envinfo info{};
    ::mdb_env_info(file->environment_.get(), &info);
    // Pages that are not there would be a signal at a lookup.
    if (static_cast<std::size_t>(status.st_size) < (info.me_last_pgno + 1) * page_size) {
      return base::fail(fmt::format("open database {}: the file is cut off", path));
    }
    return file;
  }

  Result<std::optional<std::string>> get(std::string_view key) override {
    const Transaction transaction = TRY(begin(environment_.get(), MDB_RDONLY));
    const MDB_dbi database = TRY(open_database(transaction.get()));
    MDB_val wanted = value_of(key);
    MDB_val found{};
    const int code = ::mdb_get(transaction.get(), database, &wanted, &found);
    // A key longer than any that could be stored is not there.
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return std::optional<std::string>{};
    if (code != 0) return failed("read database", code);
    return std::optional<std::string>(view_of(found));
  }
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

// Written in transactions that are small beside the map, so that none finds it full.
class LmdbIndex final : public IndexFile {
 public:
  LmdbIndex(Environment environment, std::string path) : environment_(std::move(environment)), path_(std::move(path)) {}

  Result<bool> put(std::string_view key, std::string_view value, IfPresent what) override {
    TRY(make_room(key.size() + value.size() + entry_overhead));
    MDB_val stored_key = value_of(key);
    MDB_val stored = value_of(value);
    const int code = ::mdb_put(transaction_.get(), database_, &stored_key, &stored, what == IfPresent::keep ? MDB_NOOVERWRITE : 0);
    if (code == MDB_KEYEXIST) return false;
    if (code != 0) return failed("error updating " + path_, code);
    return true;
  }
  Result<bool> erase(std::string_view key) override {
    TRY(make_room(key.size() + entry_overhead));
    MDB_val wanted = value_of(key);
    const int code = ::mdb_del(transaction_.get(), database_, &wanted, nullptr);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return false;
    if (code != 0) return failed("error updating " + path_, code);
    return true;
  }
  Result<void> commit() override {
    TRY(make_room(0));  // an empty table has its pages too
    TRY(end_transaction());
    if (const int code = ::mdb_env_sync(environment_.get(), 1); code != 0) return failed("write database " + path_, code);
    environment_.reset();
    return {};
  }

 private:
  // A transaction that can take `bytes` more. At its beginning a quarter of the map is used at most; copies of all that
  // take another, and what it may add, with half-filled pages, a third.
  Result<void> make_room(std::size_t bytes) {
    if (transaction_ && added_ + bytes <= budget_) {
      added_ += bytes;
      return {};
    }
    TRY(end_transaction());
    MDB_envinfo info{};
    ::mdb_env_info(environment_.get(), &info);
    std::size_t size = info.me_mapsize;
    while (size / 4 < (info.me_last_pgno + 16) * page_size || size / 8 < bytes + page_size) size *= 2;
    if (size != info.me_mapsize) {
      if (const int code = ::mdb_env_set_mapsize(environment_.get(), size); code != 0) return failed("enlarge database " + path_, code);
    }
    budget_ = size / 8;
    added_ = bytes;
    transaction_ = TRY(begin(environment_.get(), 0));
    database_ = TRY(open_database(transaction_.get()));
    return {};
  }
  Result<void> end_transaction() {
    if (!transaction_) return {};
    if (const int code = ::mdb_txn_commit(transaction_.release()); code != 0) return failed("write database " + path_, code);
    return {};
  }

  Environment environment_;
  std::string path_;
  Transaction transaction_;
  MDB_dbi database_ = 0;
  std::size_t added_ = 0;   // bytes in the transaction
  std::size_t budget_ = 0;  // bytes that it may take
};

Result<std::unique_ptr<IndexFile>> build(const std::string& path, const IndexFile::Options& options) {
  return std::make_unique<LmdbIndex>(TRY(open_environment(path, MDB_NOSYNC, options.map_bytes)), "lmdb:" + path.substr(0, path.rfind(suffix)));
}

constexpr module::IndexFormat format{
    .suffix = suffix, .open = &LmdbFile::open, .build = &build, .no_update = "a daemon cannot change an lmdb table"};
constexpr module::Module lmdb{.index = &format};

}  // namespace
}  // namespace maps

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::lmdb; }
