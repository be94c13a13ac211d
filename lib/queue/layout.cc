#include "lib/queue/layout.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"

namespace queue {
namespace {

constexpr int depth_limit = 16;

constexpr std::array<std::string_view, 11> names{"maildrop", "incoming", "active", "deferred", "hold", "corrupt",
                                                 "saved",    "bounce",   "defer",  "trace",    "flush"};
static_assert(names.size() == static_cast<std::size_t>(Queue::flush) + 1);

// Never over an existing file, where the file system can promise that (all local ones can).
int rename_without_replacing(const std::string& from, const std::string& to) {
  const int result = renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (result == 0 || (errno != EINVAL && errno != ENOSYS)) return result;
  if (access(to.c_str(), F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  return rename(from.c_str(), to.c_str());
}

}  // namespace

std::string_view name(Queue queue) { return names[static_cast<std::size_t>(queue)]; }

std::optional<Queue> find_queue(std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Queue>(found - names.begin());
}

Layout::Layout(std::string root, std::string_view hash_names, int hash_depth)
    : root_(std::move(root)), depth_(std::clamp(hash_depth, 1, depth_limit)) {
  CHECK(root_.empty() || root_.ends_with('/'));
  for (const std::string_view text : ascii::split(hash_names, ", \t\r\n")) {
    if (const auto queue = find_queue(text)) hashed_.push_back(*queue);
  }
}

bool Layout::is_hashed(Queue queue) const { return std::ranges::find(hashed_, queue) != hashed_.end(); }

std::string Layout::directory(Queue queue) const { return root_ + std::string(name(queue)) + '/'; }

std::string Layout::path(Queue queue, const QueueId& id) const {
  return directory(queue) + (is_hashed(queue) ? id.hash_path(depth_) : "") + id.text();
}

Result<void> Layout::make_directories(Queue queue, const QueueId& id) const {
  const std::string file = path(queue, id);
  for (std::size_t slash = directory(queue).size(); (slash = file.find('/', slash)) != std::string::npos; ++slash) {
    const std::string directory = file.substr(0, slash);
    if (mkdir(directory.c_str(), mode_directory) < 0 && errno != EEXIST) return base::fail_system("create " + directory);
  }
  return {};
}

Result<void> Layout::move(const QueueId& id, Queue from, Queue to) const {
  const std::string source = path(from, id);
  const std::string target = path(to, id);
  if (rename_without_replacing(source, target) == 0) return {};
  if (errno == ENOENT && is_hashed(to)) {
    TRY(make_directories(to, id));
    if (rename_without_replacing(source, target) == 0) return {};
  }
  return base::fail_system("rename " + source + " to " + target);
}

Result<void> Layout::remove(Queue queue, const QueueId& id) const {
  const std::string file = path(queue, id);
  if (unlink(file.c_str()) < 0 && errno != ENOENT) return base::fail_system("remove " + file);
  return {};
}

bool Layout::exists(Queue queue, const QueueId& id) const { return access(path(queue, id).c_str(), F_OK) == 0; }

}  // namespace queue
