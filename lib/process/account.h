#pragma once
// Users and groups by name, and giving up root for good. Blocking: for start-up, commands and workers.

#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/error.h"

namespace process {

struct Account {
  std::string name;
  uid_t uid;
  gid_t gid;
  std::string home, shell, full_name;
};

// Error with code 0 when there is no such user; with an errno when the user database could not be read.
[[nodiscard]] Result<Account> find_account(std::string_view name);
[[nodiscard]] Result<Account> find_account(uid_t uid);
[[nodiscard]] Result<gid_t> find_group(std::string_view name);

// Becomes the account for good, supplementary groups included, and proves that there is no way back.
[[nodiscard]] Result<void> become(const Account& account);

}  // namespace process
