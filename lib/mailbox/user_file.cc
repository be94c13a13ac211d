#include "lib/mailbox/user_file.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/mailbox/destinations.h"
#include "lib/mailbox/open_file.h"

namespace mailbox {
namespace {

constexpr std::size_t destination_size_limit = 32 * 1024;  // an address, path or command

// The name is not there, or is hidden from the user: as good as none.
bool means_absent(int code) { return code == ENOENT || code == ENOTDIR || code == EACCES || code == ENAMETOOLONG || code == ELOOP; }

std::string why(int code) { return base::Error::system("", code).message().substr(2); }

// Half a list is none: who stands behind the limit would get no mail, and nobody would know.
Result<std::string> read_whole(const Fd& file, const std::string& path) {
  std::string text;
  std::size_t have = 0;
  while (have <= user_file_limit) {
    text.resize(have + 16 * 1024);
    const ssize_t count = ::read(file.get(), text.data() + have, text.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("read " + path);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  if (have > user_file_limit) return base::fail(fmt::format("file {} is too large", path));
  text.resize(have);
  return text;
}

// Each line is a value of its own: an open quote does not reach over its end.
Result<std::vector<std::string>> read_destinations(const Fd& file, const std::string& path) {
  const std::string whole = TRY(read_whole(file, path));
  std::string_view text = whole;
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('#')) continue;
    auto items = split_destinations(line);
    if (all.size() + items.size() >= destination_limit) return base::fail(fmt::format("file {} has too many destinations", path));
    if (std::ranges::any_of(items, [](const std::string& item) { return item.size() > destination_size_limit; })) {
      return base::fail(fmt::format("file {} has a destination that is too long", path));
    }
    all.insert(all.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  return all;
}

// None when it can be used; `what` is "file /home/a/.forward" or ":include: file /etc/list".
std::optional<std::string> objection(const struct stat& status, const std::string& what, std::optional<uid_t> user) {
  if (!S_ISREG(status.st_mode)) return what + " is not a regular file";
  if (user && status.st_uid != 0 && status.st_uid != *user) return fmt::format("{} has bad owner uid {}", what, status.st_uid);
  if ((status.st_mode & S_IWOTH) != 0) return what + " is world writable";
  return std::nullopt;
}

// Opens what the checks were made for: never a FIFO or device in its place.
Fd open_checked(const std::string& path, struct stat& status, int extra) {
  Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | extra));
  if (file && ::fstat(file.get(), &status) != 0) file.reset();
  return file;
}

// Who may write to the directory can put there any file of the user, or of root, that says something.
std::optional<std::string> objection_to_place(const std::string& path) {
  const std::string directory = parent_of(path);
  struct stat status {};
  const bool is_open = ::stat(directory.c_str(), &status) == 0 && (status.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
  if (!is_open) return std::nullopt;
  return fmt::format("file {} is not used: directory {} is world writable", path, directory);
}

}  // namespace

Result<UserFile> read_forward(const std::vector<std::string>& paths, uid_t user) {
  UserFile result;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (means_absent(errno)) continue;
      return base::fail_system(path);
    }
    result.found = true;
    result.path = path;
    auto complaint = objection_to_place(path);
    if (!complaint) complaint = objection(status, "file " + path, user);
    Fd file;
    if (!complaint) {
      file = open_checked(path, status, O_NOFOLLOW);
      if (!file && !means_absent(errno)) return base::fail_system(path);
      complaint = file ? objection(status, "file " + path, user) : fmt::format("cannot open file {}: {}", path, why(errno));
    }
    if (complaint) {
      result.warnings.push_back(*complaint);
      return result;
    }
    result.owner = status.st_uid;
    result.group = status.st_gid;
    result.destinations = TRY(read_destinations(file, path));
    return result;
  }
  return result;
}

Result<UserFile> read_include(const std::string& path) {
  UserFile result;
  result.path = path;
  const std::string what = ":include: file " + path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (!means_absent(errno)) return base::fail_system(what);
    result.warnings.push_back(fmt::format("unable to lookup {}: {}", what, why(errno)));
    return result;
  }
  auto complaint = objection(status, what, std::nullopt);
  Fd file;
  if (!complaint) {
    file = open_checked(path, status, 0);
    if (!file && !means_absent(errno)) return base::fail_system(what);
    complaint = file ? objection(status, what, std::nullopt) : fmt::format("open {}: {}", what, why(errno));
  }
  if (complaint) {
    result.warnings.push_back(*complaint);
    return result;
  }
  result.found = true;
  result.owner = status.st_uid;
  result.group = status.st_gid;
  result.destinations = TRY(read_destinations(file, path));
  return result;
}

}  // namespace mailbox
