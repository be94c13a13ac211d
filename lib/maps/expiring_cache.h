#pragma once
// What a daemon keeps for a while in a table file (address_verify_map, postscreen_cache_map, TLS sessions): entries that it
// looks up, writes and removes, and that it looks through from time to time for those of no further use.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/event/loop.h"
#include "lib/maps/table.h"

namespace process {
struct Account;
}

namespace maps {

// Bytes of a key that every type of table keeps: those of lmdb are the shortest, with a NUL behind them.
inline constexpr std::size_t cache_key_limit = 500;

// Operations park the fiber. hash and btree are opened by one process at a time, which has them until close(); lmdb, and any
// type by way of proxy:, are shared by as many as like.
class ExpiringCache {
 public:
  struct Options {
    std::string table;                          // "type:name"
    Flags flags = Flags::none;
    std::chrono::seconds cleanup_interval{0};   // between the ends of two passes; 0: no passes
    bool logs_cleanup = true;
  };
  // Whether an entry is kept. It must not park.
  using Keep = std::function<bool(std::string_view key, std::string_view value)>;
  struct Counts {
    std::size_t retained = 0, dropped = 0;
  };

  // A file that is missing is made, one that is damaged is emptied (Tables::open_for_update). To be called by `make`, before a
  // chroot hides the file. `owner`: whose the file is and as whom it is opened, if we are root; null: as ourselves. `tables`
  // must outlive the cache.
  static Result<std::unique_ptr<ExpiringCache>> open(Tables& tables, Options options, const process::Account* owner,
                                                     const base::Clock& clock);
  ExpiringCache(const ExpiringCache&) = delete;
  ExpiringCache& operator=(const ExpiringCache&) = delete;
  ~ExpiringCache();

  [[nodiscard]] Result<Found> lookup(std::string_view key);
  [[nodiscard]] Result<void> put(std::string_view key, std::string_view value);
  [[nodiscard]] Result<bool> erase(std::string_view key);

  // Starts the fiber of the passes; to be called once, in started(). When the last pass ended is an entry of the table, so that
  // processes which live shorter than the interval have their passes too.
  void clean_regularly(Keep keep);
  // One pass, now.
  [[nodiscard]] Result<Counts> clean(const Keep& keep);

  // In draining(): the successor opens the file. Operations that come later fail.
  void close();

 private:
  ExpiringCache(std::shared_ptr<Table> table, Options options, const base::Clock& clock)
      : table_(std::move(table)), options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] Result<std::shared_ptr<Table>> table() const;
  [[nodiscard]] std::chrono::seconds until_next_pass();
  void pass(const Keep& keep);

  std::shared_ptr<Table> table_;  // null when it is closed
  Options options_;
  const base::Clock& clock_;
  event::FiberRef cleaner_;
};

}  // namespace maps
