#include "lib/server/cache.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <unistd.h>

#include "lib/process/account.h"

namespace server {

Result<std::unique_ptr<maps::ExpiringCache>> open_cache(Startup& startup, maps::Tables& tables, maps::ExpiringCache::Options options,
                                                        std::string_view mail_owner) {
  std::optional<process::Account> owner;
  if (!startup.privileged && ::geteuid() == 0) owner = TRY(process::find_account(mail_owner));
  const std::filesystem::path file = options.table.substr(options.table.find(':') + 1);
  auto cache = TRY(maps::ExpiringCache::open(tables, std::move(options), owner ? &*owner : nullptr, startup.clock));
  if (file.is_absolute() && !startup.chrooted) startup.write_below(file.parent_path());
  return cache;
}

}  // namespace server
