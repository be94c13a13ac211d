#include "submit/pickup/scan.h"

#include <algorithm>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/ascii.h"

namespace pickup {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Files of other names (people's notes, postdrop's first moment) are left alone.
bool is_message_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

}  // namespace

std::vector<std::string> in_turn(const std::map<uid_t, std::vector<std::string>>& by_user) {
  std::vector<std::string> out;
  bool found = true;
  for (std::size_t turn = 0; found; ++turn) {
    found = false;
    for (const auto& [uid, names] : by_user) {
      if (turn >= names.size()) continue;
      out.push_back(names[turn]);
      found = true;
    }
  }
  return out;
}

Result<Found> scan_maildrop() {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("maildrop"));
  if (!directory) return base::fail_system("open maildrop");
  Found found;
  std::map<uid_t, std::vector<std::string>> by_user;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (!is_message_name(name)) continue;
    struct stat status {};
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode) || (status.st_mode & S_IXUSR) == 0) continue;
    std::vector<std::string>& names = by_user[status.st_uid];
    if (names.size() < files_per_user) names.emplace_back(name);
    else found.is_complete = false;
  }
  found.names = in_turn(by_user);
  return found;
}

}  // namespace pickup
