#include "commands/postsuper/purge.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/postsuper/operations.h"
#include "lib/base/error.h"
#include "lib/log/log.h"
#include "lib/queue/id.h"

namespace postsuper {
namespace {

constexpr std::chrono::days purge_age{7};
constexpr int depth_limit = 16;

class Purge {
 public:
  Purge(const queue::Layout& layout, Stamp now, BogusNames bogus) : layout_(layout), now_(now), bogus_(bogus) {}

  void run(const std::string& directory, bool holds_messages, int depth) const {
    struct Close {
      void operator()(DIR* open) const { ::closedir(open); }
    };
    const std::unique_ptr<DIR, Close> open(::opendir(directory.c_str()));
    while (const dirent* const entry = open ? ::readdir(open.get()) : nullptr) {
      const std::string name = entry->d_name;
      const std::string path = directory + name;
      struct stat status {};
      if (name.starts_with('.') || ::lstat(path.c_str(), &status) != 0) continue;
      if (S_ISDIR(status.st_mode) && depth < depth_limit) run(path + "/", holds_messages, depth + 1);
      if (!S_ISREG(status.st_mode)) continue;
      if (holds_messages && is_abandoned(status)) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) maillog::fatal("{}", base::Error::system("remove " + path).message());
      } else if (bogus_ == BogusNames::told && !queue::is_safe_name(name)) {
        maillog::warning("bogus file name: {}", path.substr(layout_.root().size()));
      }
    }
  }

 private:
  [[nodiscard]] bool is_abandoned(const struct stat& status) const {
    return (status.st_mode & S_IXUSR) == 0 && now_ - Stamp(std::chrono::seconds(status.st_mtime)) > purge_age;
  }

  const queue::Layout& layout_;
  Stamp now_;
  BogusNames bogus_;
};

}  // namespace

void purge(const queue::Layout& layout, const std::vector<queue::Queue>& queues, Stamp now, BogusNames bogus) {
  const std::vector<queue::Queue> of_messages = default_queues(Operation::erase);
  for (const queue::Queue queue : queues) {
    const bool holds_messages = std::ranges::find(of_messages, queue) != of_messages.end();
    Purge(layout, now, bogus).run(layout.directory(queue), holds_messages, 0);
  }
}

}  // namespace postsuper
