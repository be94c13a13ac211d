#include "commands/postfix/ownership.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>

#include "lib/log/log.h"

namespace postfix {
namespace {

constexpr int depth_limit = 20;
constexpr mode_t setgid_and_executable = S_ISGID | S_IXUSR | S_IXGRP | S_IXOTH;

// Queues whose files belong to mail_owner too, and directories in which others may have files.
constexpr std::array queues{"active", "bounce", "corrupt", "defer",    "deferred", "flush",
                            "hold",   "incoming", "private", "public", "maildrop", "saved", "tlstrace", "trace"};
constexpr std::array shared_directories{std::string_view("private"), std::string_view("public"), std::string_view("maildrop")};
constexpr std::array chroot_directories{"etc", "lib", "usr"};
constexpr std::array setgid_commands{"postqueue", "postdrop"};

enum class Extent { itself, tree };

// Calls visit(path, status) for the file and, in order of their names, for all below it; what is not there is left out.
template <class Visit>
void walk(const std::string& path, Extent extent, const Visit& visit, int depth = 0) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  visit(path, status);
  if (extent == Extent::itself || !S_ISDIR(status.st_mode) || depth == depth_limit) return;
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator one(path, error), end; !error && one != end; one.increment(error)) {
    names.push_back(one->path().filename().string());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) walk(path + "/" + name, extent, visit, depth + 1);
}

void warn_of_owner(const std::string& path, Extent extent, uid_t uid, std::string_view name) {
  walk(path, extent, [&](const std::string& found, const struct stat& status) {
    if (status.st_uid != uid) maillog::warning("not owned by {}: {}", name, found);
  });
}

// The mode of a symbolic link means nothing.
void warn_of_writable(const std::string& path, Extent extent) {
  walk(path, extent, [](const std::string& found, const struct stat& status) {
    if (S_ISLNK(status.st_mode) || (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
    maillog::warning("group or other writable: {}", found);
  });
}

void warn_of_root_files(const Params& params, bool with_shared) {
  const std::array places{params.queue_directory + "/.", params.queue_directory + "/pid"};
  for (const std::string& place : places) warn_of_owner(place, Extent::itself, 0, "root");
  for (const std::string& place : places) warn_of_writable(place, Extent::itself);
  std::vector<std::string> trees{params.config_directory + "/."};
  if (with_shared) trees.insert(trees.end(), {params.shlib_directory + "/.", params.daemon_directory + "/."});
  for (const std::string& tree : trees) warn_of_owner(tree, Extent::tree, 0, "root");
  for (const std::string& tree : trees) warn_of_writable(tree, Extent::tree);
}

void warn_of_mail_owner_files(const Params& params, const Owners& owners) {
  warn_of_owner(params.data_directory + "/.", Extent::tree, owners.mail_uid, params.mail_owner);
  warn_of_writable(params.data_directory + "/.", Extent::tree);
  for (const char* const queue : queues) {
    const bool is_shared = std::ranges::find(shared_directories, queue) != shared_directories.end();
    warn_of_owner(params.queue_directory + "/" + queue, is_shared ? Extent::itself : Extent::tree, owners.mail_uid,
                  params.mail_owner);
  }
}

void warn_of_setgid(const Params& params, const Owners& owners, bool with_shared) {
  std::vector<std::string> commands;
  for (const char* const name : setgid_commands) {
    if (with_shared) commands.push_back(params.command_directory + "/" + name);
  }
  std::vector<std::string> of_group = commands;
  for (const char* const name : {"public", "maildrop"}) of_group.push_back(params.queue_directory + "/" + name);
  for (const std::string& path : of_group) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      maillog::warning("{}", base::Error::system("look at " + path).message());
    } else if (status.st_gid != owners.setgid_gid) {
      maillog::warning("not owned by group {}: {}", params.setgid_group, path);
    }
  }
  for (const std::string& path : commands) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & setgid_and_executable) == setgid_and_executable) continue;
    maillog::warning("not set-gid or not owner+group+world executable: {}", path);
  }
}

}  // namespace

void warn_of_owners(const Context& context, const Owners& owners) {
  const Params& params = context.params;
  if (!owners.may_change) return;
  warn_of_root_files(params, !context.is_secondary);
  warn_of_mail_owner_files(params, owners);
  warn_of_setgid(params, owners, !context.is_secondary);
  for (const char* const name : chroot_directories) {
    warn_of_owner(params.queue_directory + "/" + name, Extent::tree, 0, "root");
  }
  walk(params.queue_directory + "/corrupt", Extent::tree, [&](const std::string& path, const struct stat& status) {
    if (S_ISREG(status.st_mode)) maillog::warning("damaged message: {}", path.substr(params.queue_directory.size() + 1));
  });
}

}  // namespace postfix
