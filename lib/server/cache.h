#pragma once
// The caches of daemons (maps::ExpiringCache), as a process that starts has to open them.

#include <memory>
#include <string_view>

#include "lib/maps/expiring_cache.h"
#include "lib/server/service.h"

namespace server {

// To be called by `make`. A process that is to give up root opens the file as `mail_owner`, whose it is to be; where the file is, the
// process may write: it grows, and one that is damaged is made anew.
[[nodiscard]] Result<std::unique_ptr<maps::ExpiringCache>> open_cache(Startup& startup, maps::Tables& tables, maps::ExpiringCache::Options options,
                                                                      std::string_view mail_owner);

}  // namespace server
