#pragma once
// The table of an index that daemons change in place: caches. A file that is missing is made (mode 0600, of whoever opens it),
// and one that turns out to be damaged is emptied, with a warning: what it had is found out again.

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "lib/base/fd.h"
#include "lib/event/loop.h"
#include "lib/maps/index_table.h"
#include "lib/maps/module.h"
#include "lib/maps/registry.h"

namespace maps {

struct StoreFormat {
  std::string_view suffix;
  enum class Use {
    alone,     // by one process: the lock is held for as long as the table is open
    by_turns,  // the lock is held for each operation
  };
  Use use;
  // Of the file that the descriptor is open on and that has this path. An empty file becomes an empty index.
  std::function<Result<std::unique_ptr<module::IndexStore>>(int fd, const std::string& path)> open;
};

// Operations park: for the lock, and while changes go to disk.
class StoreTable final : public Table {
 public:
  // Opens it now, before a chroot hides the file.
  static OpenResult open(const OpenRequest& request, StoreFormat format);

  Result<Found> lookup(std::string_view key) override;
  Result<void> put(std::string_view key, std::string_view value) override;
  Result<bool> erase(std::string_view key) override;
  Result<void> erase_all(std::span<const std::string> keys) override;
  Result<void> each(const Visitor& visit) override;
  Result<bool> walk(std::string_view after, std::size_t limit, const Visitor& visit) override;

 private:
  class Turn;
  StoreTable(const OpenRequest& request, StoreFormat format)
      : Table(request.full_name()), path_(request.path() + std::string(format.suffix)), format_(std::move(format)), keys_(request.flags) {}

  // The file under its name, locked.
  Result<void> open_file();
  Result<void> open_store();
  Result<void> lock(LockMode mode) const;
  // Passes on what an operation gave. After damage the file is emptied for the next one.
  template <class T>
  Result<T> judged(Result<T> result);
  Result<void> change(const std::function<Result<void>(module::IndexStore&)>& what);

  std::string path_;
  StoreFormat format_;
  NulKeys keys_;
  Fd file_;                                    // has the lock; a description of our own
  std::unique_ptr<module::IndexStore> store_;  // null after damage, until it is open again
  event::Semaphore turn_{1};                   // of the fibers of this process
};

}  // namespace maps
