#include "lib/process/account.h"

#include <cerrno>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace process {
namespace {

constexpr std::size_t entry_size = 16 * 1024;
constexpr std::size_t entry_size_limit = 1024 * 1024;  // a group with very many members

// Calls a getXXnam_r-like function with a buffer that grows as the entry demands.
template <class Entry, class Lookup>
Result<Entry*> find(Entry& entry, std::vector<char>& buffer, std::string_view what, Lookup lookup) {
  for (buffer.resize(entry_size); buffer.size() <= entry_size_limit; buffer.resize(buffer.size() * 4)) {
    Entry* found = nullptr;
    const int code = lookup(&entry, buffer.data(), buffer.size(), &found);
    if (code == ERANGE) continue;
    if (found != nullptr) return found;
    if (code == 0 || code == ENOENT || code == ESRCH) return base::fail(std::string(what) + ": unknown");
    return base::Failure(base::Error::system(what, code));
  }
  return base::Failure(base::Error::system(what, ERANGE));
}

Account from_entry(const passwd& entry) {
  return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell, entry.pw_gecos};
}

}  // namespace

Result<Account> find_account(std::string_view name) {
  const std::string key(name);
  passwd entry{};
  std::vector<char> buffer;
  return from_entry(*TRY(find(entry, buffer, "user " + key, [&](auto... rest) { return ::getpwnam_r(key.c_str(), rest...); })));
}

Result<Account> find_account(uid_t uid) {
  passwd entry{};
  std::vector<char> buffer;
  return from_entry(
      *TRY(find(entry, buffer, "user " + std::to_string(uid), [&](auto... rest) { return ::getpwuid_r(uid, rest...); })));
}

Result<gid_t> find_group(std::string_view name) {
  const std::string key(name);
  group entry{};
  std::vector<char> buffer;
  return TRY(find(entry, buffer, "group " + key, [&](auto... rest) { return ::getgrnam_r(key.c_str(), rest...); }))->gr_gid;
}

Result<void> become(const Account& account) {
  if (::initgroups(account.name.c_str(), account.gid) != 0) return base::fail_system("initgroups " + account.name);
  if (::setresgid(account.gid, account.gid, account.gid) != 0) return base::fail_system("setgid " + account.name);
  if (::setresuid(account.uid, account.uid, account.uid) != 0) return base::fail_system("setuid " + account.name);
  if (account.uid != 0 && ::setuid(0) == 0) return base::fail("root could be regained as " + account.name);
  return {};
}

}  // namespace process
