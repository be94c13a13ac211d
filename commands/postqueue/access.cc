#include "commands/postqueue/access.h"

#include <unistd.h>

#include "lib/maps/table.h"
#include "lib/process/account.h"

namespace postqueue {

Result<void> check_access(const config::Main& main, const Params& params, bool lists) {
  const uid_t uid = ::getuid();
  const auto account = process::find_account(uid);
  if (uid == 0 || (account && account->name == params.mail_owner)) return {};
  const std::string name = account ? account->name : "unknown";
  maps::Tables::Options options = TRY(maps::Tables::Options::of(main));
  options.config_directory = main.directory();
  maps::Tables tables(std::move(options));
  const std::string parameter = lists ? "authorized_mailq_users" : "authorized_flush_users";
  const auto users = TRY(maps::MatchList::parse(tables, parameter, lists ? params.authorized_mailq_users : params.authorized_flush_users,
                                                maps::ListKind::string, false));
  if (TRY(users.matches(name))) return {};
  return base::fail("User " + name + "(" + std::to_string(uid) + ") is not allowed to " + (lists ? "view the mail queue" : "flush the mail queue"));
}

}  // namespace postqueue
