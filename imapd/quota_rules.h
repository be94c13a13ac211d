#pragma once
// Which quota a user has: mail_quota_maps, then mail_quota. Asked by the daemon, before it hands a session to the user's process.

#include <memory>
#include <string>

#include "imapd/imapd_params.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"

namespace imapd {

class QuotaRules {
 public:
  // The error: mail_quota is no quota, or a table is none.
  static Result<QuotaRules> make(server::Startup& startup, const Params& params);

  // As store::QuotaLimit reads it; empty: nothing is said of this user. The error: a table cannot be asked, or says no quota.
  [[nodiscard]] Result<std::string> of(const std::string& user) const;

 private:
  QuotaRules(std::unique_ptr<maps::Tables> tables, maps::Maps maps, std::string all)
      : tables_(std::move(tables)), maps_(std::move(maps)), all_(std::move(all)) {}

  std::unique_ptr<maps::Tables> tables_;   // outlives what was opened in it
  maps::Maps maps_;
  std::string all_;
};

}  // namespace imapd
