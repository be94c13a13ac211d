#include "lib/maps/store_table.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/event/offload.h"
#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::size_t step = 100;  // entries that each() reads under one lock

bool is_damage(const base::Error& error) { return error.code() == EINVAL || error.code() == module::damaged; }

}  // namespace

// A fiber's turn: nobody else in this process uses the file, and no other process, or only readers while we read.
class StoreTable::Turn {
 public:
  static Result<Turn> take(StoreTable& table, LockMode mode) {
    if (!table.turn_.acquire(base::no_deadline)) return base::fail(fmt::format("lock database {}: no turn", table.path_));
    Turn turn(table);
    TRY(table.lock(mode));
    if (!table.store_) TRY(table.judged(table.open_store()));
    return turn;
  }
  Turn(Turn&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(Turn&&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (table_ == nullptr) return;
    if (table_->format_.use == StoreFormat::Use::by_turns) unlock_file(table_->file_.get());
    table_->turn_.release();
  }

 private:
  explicit Turn(StoreTable& table) : table_(&table) {}
  StoreTable* table_;
};

OpenResult StoreTable::open(const OpenRequest& request, StoreFormat format) {
  std::shared_ptr<StoreTable> table(new StoreTable(request, std::move(format)));
  TRY(table->open_file());
  auto opened = table->judged(table->open_store());
  // Once more, after the damaged one was emptied.
  if (!opened && is_damage(opened.error())) opened = table->open_store();
  if (table->format_.use == StoreFormat::Use::by_turns) unlock_file(table->file_.get());
  if (!opened) return base::Failure(std::move(opened).error());
  return table;
}

Result<void> StoreTable::open_file() {
  for (int attempt = 0; attempt < index_open_attempts; ++attempt) {
    file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) return base::fail_system(fmt::format("open database {}", path_));
    if (auto locked = lock_file(file_.get(), LockMode::exclusive, base::after(index_lock_timeout)); !locked) {
      return base::Failure(std::move(locked).error().within(fmt::format("lock database {}", path_)));
    }
    struct stat ours{};
    struct stat named{};
    if (::fstat(file_.get(), &ours) != 0) return base::fail_system(fmt::format("fstat {}", path_));
    if (::stat(path_.c_str(), &named) == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev) return {};
  }
  return base::fail(fmt::format("open database {}: the file keeps changing", path_));
}

Result<void> StoreTable::open_store() {
  store_ = TRY(format_.open(file_.get(), path_));
  return {};
}

Result<void> StoreTable::lock(LockMode mode) const {
  if (format_.use == StoreFormat::Use::alone) return {};
  // Who has to make the file anew changes it.
  auto locked = lock_file(file_.get(), store_ ? mode : LockMode::exclusive, base::after(index_lock_timeout));
  if (!locked) return base::Failure(std::move(locked).error().within(fmt::format("lock database {}", path_)));
  return {};
}

template <class T>
Result<T> StoreTable::judged(Result<T> result) {
  if (result || !is_damage(result.error())) return result;
  maillog::warning("{}: {}; the cache starts anew", name(), result.error().message());
  store_.reset();
  // Others may be reading.
  if (auto locked = lock(LockMode::exclusive); !locked) return result;
  if (::ftruncate(file_.get(), 0) != 0) maillog::warning("{}", base::Error::system(fmt::format("truncate {}", path_)).message());
  return result;
}

Result<Found> StoreTable::lookup(std::string_view key) {
  const Turn turn = TRY(Turn::take(*this, LockMode::shared));
  auto found = judged(keys_.get(*store_, key));
  if (found || !is_damage(found.error())) return found;
  return Found{};  // as in an empty one
}

Result<void> StoreTable::change(const std::function<Result<void>(module::IndexStore&)>& what) {
  const Turn turn = TRY(Turn::take(*this, LockMode::exclusive));
  return judged(event::blocking([&]() -> Result<void> {
    TRY(what(*store_));
    return store_->sync();
  }));
}

Result<void> StoreTable::put(std::string_view key, std::string_view value) {
  const auto store = [&](module::IndexStore& file) { return file.put(NulKeys::terminated(key), NulKeys::terminated(value)); };
  auto done = change(store);
  if (!done && is_damage(done.error())) return change(store);
  return done;
}

Result<bool> StoreTable::erase(std::string_view key) {
  bool erased = false;
  auto done = change([&](module::IndexStore& file) -> Result<void> {
    erased = TRY(keys_.erase(file, key));
    return {};
  });
  if (!done && !is_damage(done.error())) return base::Failure(std::move(done).error());
  return erased;
}

Result<void> StoreTable::erase_all(std::span<const std::string> keys) {
  auto done = change([&](module::IndexStore& file) -> Result<void> {
    for (const std::string& key : keys) static_cast<void>(TRY(keys_.erase(file, key)));
    return {};
  });
  if (!done && !is_damage(done.error())) return done;
  return {};
}

Result<bool> StoreTable::walk(std::string_view after, std::size_t limit, const Visitor& visit) {
  const Turn turn = TRY(Turn::take(*this, LockMode::shared));
  const auto show = [&](std::string_view key, std::string_view value) { visit(text_of(key), text_of(value)); };
  const std::string stored = after.empty() ? std::string() : keys_.stored_form(after);
  return judged(store_->walk(stored, limit, show));
}

Result<void> StoreTable::each(const Visitor& visit) {
  std::string last;
  while (TRY(walk(last, step, [&](std::string_view key, std::string_view value) {
    last = key;
    visit(key, value);
  }))) {
  }
  return {};
}

}  // namespace maps
