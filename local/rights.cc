#include "local/rights.h"

#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"

namespace local {
namespace {

struct FileType {
  std::string_view type, suffix;
};
constexpr std::array file_types = {FileType{"hash", ".db"}, FileType{"btree", ".db"}, FileType{"lmdb", ".lmdb"},
                                   FileType{"cdb", ".cdb"}, FileType{"texthash", ""}, FileType{"regexp", ""},
                                   FileType{"pcre", ""},    FileType{"cidr", ""}};

}  // namespace

Rights rights_of(const process::Account& account) {
  return {{account.uid, account.gid}, account.name, account.home, account.shell, false};
}

Result<Rights> default_rights(std::string_view default_privs, std::string_view mail_owner) {
  const auto account = process::find_account(default_privs);
  if (!account) return base::fail("default_privs: " + account.error().message());
  if (account->uid == 0 || account->gid == 0) {
    return base::fail("default_privs: user " + account->name + " has privileged user ID");
  }
  if (account->name == mail_owner) return base::fail("default_privs: user " + account->name + " is the mail system's");
  return Rights{{account->uid, account->gid}, {}, {}, {}, false};
}

Rights table_rights(std::string_view type_and_name, std::string_view config_directory, const Rights& otherwise) {
  const std::size_t colon = type_and_name.find(':');
  if (colon == std::string_view::npos) return otherwise;
  const std::string_view type = type_and_name.substr(0, colon);
  std::string path(type_and_name.substr(colon + 1));
  // alias_maps are never asked through proxymap: the table itself counts.
  if (type == "proxy") return table_rights(path, config_directory, otherwise);
  for (const FileType& known : file_types) {
    if (known.type != type) continue;
    if (!path.starts_with('/')) path = std::string(config_directory) + "/" + path;
    path += known.suffix;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return otherwise;
    if (status.st_uid != 0) return {{status.st_uid, status.st_gid}, {}, {}, {}, false};
    Rights rights = otherwise;
    rights.named_by_root = true;
    return rights;
  }
  return otherwise;
}

bool is_of_root_alone(const std::string& path) {
  if (!path.starts_with('/')) return false;
  Fd at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto parts = ascii::split(path, "/");
  for (std::size_t i = 0;; ++i) {
    struct stat status {};
    if (!at || ::fstat(at.get(), &status) != 0 || status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
    if (i == parts.size()) return S_ISREG(status.st_mode);
    if (!S_ISDIR(status.st_mode)) return false;
    at = Fd(::openat(at.get(), std::string(parts[i]).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
}

}  // namespace local
