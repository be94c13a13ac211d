#include "commands/postsuper/purge.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postsuper/operations.h"
#include "commands/postsuper/walk.h"
#include "lib/base/error.h"
#include "lib/log/log.h"
#include "lib/queue/id.h"

namespace postsuper {
namespace {

constexpr std::chrono::days purge_age{7};

class Purge {
 public:
  Purge(const queue::Layout& layout, Stamp now, BogusNames bogus) : layout_(layout), now_(now), bogus_(bogus) {}

  void take(const FoundFile& file, bool holds_messages) const {
    if (holds_messages && is_abandoned(file.status)) {
      if (::unlink(file.path.c_str()) != 0 && errno != ENOENT) {
        maillog::fatal("{}", base::Error::system("remove " + file.path).message());
      }
    } else if (bogus_ == BogusNames::told && !queue::is_safe_name(file.name)) {
      maillog::warning("bogus file name: {}", file.path.substr(layout_.root().size()));
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
  const Purge purge(layout, now, bogus);
  for (const queue::Queue queue : queues) {
    const bool holds_messages = std::ranges::find(of_messages, queue) != of_messages.end();
    walk(layout.directory(queue), [&](const FoundFile& file) { purge.take(file, holds_messages); });
  }
}

}  // namespace postsuper
