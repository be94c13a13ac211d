#pragma once
// The lists themselves: a file for each site below flush/, with the queue id of each message that waits for it, one a line,
// as Postfix has them. An id may stand there twice, and may be that of a message that is gone: a list says what to try.

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <sys/stat.h>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/id.h"

namespace flush {

// The name of a site's file: lower case, and "_" for all but letters and digits.
[[nodiscard]] std::string file_name(std::string_view site);

class SiteLogs {
 public:
  // Ids of which we know that they are listed, over all sites. Beyond that all are forgotten, and some written twice.
  static constexpr std::size_t known_limit = 50'000;
  // How much of a file is read at a time; what is kept of it is its different ids.
  static constexpr std::size_t chunk = 64 * 1024;

  // `directory` ends with '/'.
  explicit SiteLogs(std::string directory) : directory_(std::move(directory)) {}

  // Waits for the file's lock (a fiber parks). The list is not synced: without it mail is tried in its turn.
  [[nodiscard]] Result<void> add(const std::string& name, const queue::QueueId& id);

  // Whether mail waits, as far as the list says. Does not wait.
  [[nodiscard]] bool has_entries(const std::string& name) const;

  // The different ids of the list, in order, but for those that `stays` says to leave there. No list: none. Parks; `stays`
  // runs within event::blocking.
  using Stays = std::function<bool(const queue::QueueId&)>;
  [[nodiscard]] Result<std::vector<queue::QueueId>> take(const std::string& name, const Stays& stays);

  struct Entry {
    std::string name;
    bool is_empty;
    Stamp asked;    // taken, or begun
    Stamp changed;
  };
  [[nodiscard]] Result<std::vector<Entry>> list() const;

  // Only if nothing has been added.
  [[nodiscard]] Result<void> remove_empty(const std::string& name);

 private:
  // Ids that a file holds, as long as it is as we left it: another process of this service may write there too.
  struct Known {
    ino_t inode = 0;
    off_t size = 0;
    Stamp changed{};
    std::unordered_set<std::string> ids;
    [[nodiscard]] bool is_of(const struct stat& status) const;
    void leave(const struct stat& status);
  };

  [[nodiscard]] Result<Fd> open_locked(const std::string& name, int flags) const;
  void forget(const std::string& name);

  std::string directory_;
  std::unordered_map<std::string, Known> known_;
  std::size_t known_ids_ = 0;
};

}  // namespace flush
