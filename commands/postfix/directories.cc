#include "commands/postfix/directories.h"

#include <array>
#include <cerrno>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postfix/queue_directories.h"
#include "lib/process/account.h"

namespace postfix {
namespace {

// Without one of these no mail moves, or its logs are lost.
constexpr std::array<std::string_view, 8> moving_mail{"maildrop", "incoming", "active", "deferred",
                                                      "hold",     "bounce",   "defer",  "flush"};

constexpr mode_t queue_mode = 0755;
constexpr mode_t data_mode = 0700;

uid_t uid_of(Owner owner, const Owners& owners) { return owner == Owner::root ? 0 : owners.mail_uid; }

gid_t gid_of(Group group, const Owners& owners) {
  switch (group) {
    case Group::root: return 0;
    case Group::mail: return owners.mail_gid;
    case Group::setgid: return owners.setgid_gid;
  }
  return 0;
}

Result<void> make_directory(const std::string& path, mode_t mode, uid_t uid, gid_t gid, bool may_change) {
  if (::mkdir(path.c_str(), mode) != 0) {
    if (errno == EEXIST) return {};
    return base::fail_system("create directory " + path);
  }
  if (may_change && ::chown(path.c_str(), uid, gid) != 0) return base::fail_system("change owner of " + path);
  if (::chmod(path.c_str(), mode) != 0) return base::fail_system("change mode of " + path);  // past the umask
  return {};
}

}  // namespace

Result<Owners> find_owners(const Params& params) {
  const process::Account account = TRY(process::find_account(params.mail_owner));
  if (::geteuid() != 0) {
    if (account.uid != ::geteuid()) return base::fail("the postfix command is reserved for the superuser");
    return Owners{account.uid, account.gid, account.gid, false};
  }
  return Owners{account.uid, account.gid, TRY(process::find_group(params.setgid_group)), true};
}

Result<void> create_missing(const Params& params, const Owners& owners) {
  TRY(make_directory(params.queue_directory, queue_mode, 0, 0, owners.may_change));
  for (const Directory& directory : queue_directories) {
    TRY(make_directory(params.queue_directory + "/" + std::string(directory.name), directory.mode,
                       uid_of(directory.owner, owners), gid_of(directory.group, owners), owners.may_change));
  }
  return make_directory(params.data_directory, data_mode, owners.mail_uid, owners.mail_gid, owners.may_change);
}

Result<void> find_unusable(const Params& params, const Owners& owners) {
  if (!owners.may_change) return {};
  for (const std::string_view name : moving_mail) {
    const std::string path = params.queue_directory + "/" + std::string(name);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return base::fail_system("look at " + path);
    if (status.st_uid == owners.mail_uid && (status.st_mode & S_IRWXU) == S_IRWXU) continue;
    return base::fail(params.mail_owner + " cannot use " + path);
  }
  return {};
}

}  // namespace postfix
