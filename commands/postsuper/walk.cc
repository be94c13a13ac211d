#include "commands/postsuper/walk.h"

#include <memory>
#include <utility>

#include <dirent.h>

namespace postsuper {
namespace {

constexpr int depth_limit = 16;

struct Close {
  void operator()(DIR* open) const { ::closedir(open); }
};

struct Walk {
  const std::function<void(FoundFile)>& file;
  const std::function<void(const std::string&, int)>& left;

  void run(const std::string& directory, int depth) const {
    const std::unique_ptr<DIR, Close> open(::opendir(directory.c_str()));
    while (const dirent* const entry = open ? ::readdir(open.get()) : nullptr) {
      FoundFile found{.path = directory + entry->d_name, .name = entry->d_name, .status = {}};
      if (found.name.starts_with('.') || ::lstat(found.path.c_str(), &found.status) != 0) continue;
      if (S_ISDIR(found.status.st_mode) && depth < depth_limit) {
        run(found.path + "/", depth + 1);
        if (left) left(found.path, depth);
      }
      if (S_ISREG(found.status.st_mode)) file(std::move(found));
    }
  }
};

}  // namespace

void walk(const std::string& directory, const std::function<void(FoundFile)>& file,
          const std::function<void(const std::string&, int)>& left) {
  Walk{file, left}.run(directory, 0);
}

}  // namespace postsuper
