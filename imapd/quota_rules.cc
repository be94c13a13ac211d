#include "imapd/quota_rules.h"

#include "lib/base/ascii.h"
#include "lib/store/quota.h"

namespace imapd {

Result<QuotaRules> QuotaRules::make(server::Startup& startup, const Params& params) {
  if (auto limit = store::QuotaLimit::parse(params.mail_quota); !limit) return base::Failure(std::move(limit).error().within("mail_quota"));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  auto maps = TRY(maps::Maps::open(*tables, "mail_quota_maps", params.mail_quota_maps, maps::Flags::fold_keys | maps::Flags::no_anybody));
  return QuotaRules(std::move(tables), std::move(maps), params.mail_quota);
}

Result<std::string> QuotaRules::of(const std::string& user) const {
  const maps::Found found = maps_.empty() ? maps::Found() : TRY(maps::find_address(maps_, user, {}, nullptr));
  if (!found) return all_;
  if (auto limit = store::QuotaLimit::parse(*found); !limit) return base::Failure(std::move(limit).error().within("mail_quota_maps: " + ascii::printable(user)));
  return found->empty() ? "0" : *found;
}

}  // namespace imapd
