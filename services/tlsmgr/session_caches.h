#pragma once
// The sessions that clients may resume, in table files: an entry is the time at which it ends, and the session in base64.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/maps/expiring_cache.h"
#include "lib/maps/table.h"

namespace tlsmgr {

inline constexpr std::size_t session_limit = std::size_t{32} * 1024;   // bytes; more is not kept

class SessionCaches {
 public:
  struct Setup {
    std::string name;                 // "smtp"
    std::string table;                // "btree:/var/lib/postfix/smtp_scache"; empty: no cache
    std::chrono::seconds timeout{};   // of its sessions
  };
  // A table that cannot be opened is warned of, and its sessions are not kept. `owner` as for maps::ExpiringCache.
  static std::unique_ptr<SessionCaches> open(maps::Tables& tables, const std::vector<Setup>& setups, const process::Account* owner,
                                             const base::Clock& clock);

  // Empty: there is none, or its time is over.
  [[nodiscard]] std::string find(std::string_view cache, std::string_view id);
  void keep(std::string_view cache, std::string_view id, std::string_view session);
  void drop(std::string_view cache, std::string_view id);

  // In started() and draining() of the service.
  void clean_regularly();
  void close();

 private:
  struct Cache {
    std::shared_ptr<maps::ExpiringCache> file;   // two caches may have one
    std::chrono::seconds timeout{};
  };
  explicit SessionCaches(const base::Clock& clock) : clock_(clock) {}
  [[nodiscard]] Cache* cache(std::string_view name, std::string_view id);
  [[nodiscard]] std::vector<std::shared_ptr<maps::ExpiringCache>> files() const;

  const base::Clock& clock_;
  std::map<std::string, Cache, std::less<>> caches_;
};

}  // namespace tlsmgr
