#include "submit/user.h"

#include <cstdlib>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/ipc/connections.h"
#include "lib/maps/table.h"
#include "lib/process/account.h"

namespace submit {

std::string full_name_of(std::string_view gecos, std::string_view login) {
  std::string out;
  for (const char c : gecos.substr(0, gecos.find(','))) {
    if (c != '&') {
      out += c;
      continue;
    }
    std::string name(login);
    if (!name.empty()) name.front() = ascii::to_upper(name.front());
    out += name;
  }
  return out;
}

User current_user() {
  User user{::getuid(), "unknown", "", false};
  const auto account = process::find_account(user.uid);
  if (account) {
    user.name = account->name;
    user.has_name = true;
    user.full_name = full_name_of(account->full_name, account->name);
  }
  if (const char* name = std::getenv("NAME"); name != nullptr && *name != '\0') user.full_name = name;
  return user;
}

Result<void> may_submit(const config::Main& main, const User& user, std::string_view authorized) {
  ipc::Connections services;
  maps::Tables::Options options = TRY(maps::Tables::Options::of(main));
  options.config_directory = main.directory();
  options.services = &services;
  maps::Tables tables(std::move(options));
  const auto list = TRY(maps::MatchList::parse(tables, "authorized_submit_users", authorized, maps::ListKind::string, false));
  if (TRY(list.matches(user.name))) return {};
  return base::fail(fmt::format("User {}({}) is not allowed to submit mail", user.name, user.uid));
}

}  // namespace submit
