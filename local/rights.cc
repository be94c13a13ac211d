#include "local/rights.h"

#include <array>

#include <sys/stat.h>
#include <unistd.h>

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
  return {{account.uid, account.gid}, account.name, account.home, account.shell};
}

Result<Rights> default_rights(std::string_view default_privs, std::string_view mail_owner) {
  const auto account = process::find_account(default_privs);
  if (!account) return base::fail("default_privs: " + account.error().message());
  if (account->uid == 0 || account->gid == 0) {
    return base::fail("default_privs: user " + account->name + " has privileged user ID");
  }
  if (account->name == mail_owner) return base::fail("default_privs: user " + account->name + " is the mail system's");
  return Rights{{account->uid, account->gid}, {}, {}, {}};
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
    if (::stat(path.c_str(), &status) != 0 || status.st_uid == 0) return otherwise;
    return {{status.st_uid, status.st_gid}, {}, {}, {}};
  }
  return otherwise;
}

}  // namespace local
