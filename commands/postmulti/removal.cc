#include "commands/postmulti/removal.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

#include <unistd.h>

#include "commands/postfix/queue_directories.h"
#include "lib/log/log.h"
#include "master/lock.h"
#include "master/options.h"
#include "qmgr/clock_memory.h"

namespace postmulti {

namespace {

namespace fs = std::filesystem;

// Where mail lies; notices and logs of what is elsewhere are no mail.
constexpr std::array mail_queues{"maildrop", "incoming", "active", "deferred", "hold", "corrupt"};

// Empty directories, deepest first: hashed queues have several levels.
void remove_empty(const fs::path& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) remove_empty(entry.path());
  }
  fs::remove(path, error);
}

// Only itself: below it the administrator may have empty directories of his own.
void remove_or_warn(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return;
  maillog::warning("{}: please verify contents and remove by hand", directory);
}

// What running processes make and leave.
void remove_traces(const Instance& one) {
  std::error_code error;
  for (const std::string_view sockets : {"public", "private"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(fmt::format("{}/{}", one.queue_directory, sockets), error)) {
      if (entry.is_socket(error) || entry.is_fifo(error)) fs::remove(entry.path(), error);
    }
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(one.queue_directory + "/pid", error)) {
    if (entry.is_regular_file(error)) fs::remove(entry.path(), error);
  }
  constexpr const char* lock_of_postfix = "master.lock";
  for (const char* const name : {lock_of_postfix, qmgr::clock_file, qmgr::new_clock_file}) {
    fs::remove(fmt::format("{}/{}", one.data_directory, name), error);
  }
}

}  // namespace

Result<void> check_removable(const Instance& one) {
  if (master::MasterLock::is_held(fmt::format("{}/{}", one.queue_directory, master::pid_file))) {
    return base::fail(fmt::format("Instance '{}' is not stopped", one.config_directory));
  }
  for (const char* const queue : mail_queues) {
    std::error_code error;
    const fs::path path = fmt::format("{}/{}", one.queue_directory, queue);
    for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->is_regular_file(error)) {
        return base::fail(fmt::format("Instance '{}' mail queue is not empty: {}", one.config_directory, entry->path().string()));
      }
    }
  }
  return {};
}

void remove_queue_and_data(const Instance& one) {
  remove_traces(one);
  for (const postfix::Directory& directory : postfix::queue_directories) {
    const std::string path = fmt::format("{}/{}", one.queue_directory, directory.name);
    remove_empty(path);
    remove_or_warn(path);
  }
  remove_or_warn(one.data_directory);
  remove_or_warn(one.queue_directory);
}

void remove_configuration(const Instance& one) {
  std::error_code error;
  for (const std::string_view name : {"main.cf", "master.cf"}) fs::remove(fmt::format("{}/{}", one.config_directory, name), error);
  remove_or_warn(one.config_directory);
}

}  // namespace postmulti
