#include "lib/queue/flush_sites.h"

#include <utility>

#include "lib/maps/list.h"

namespace queue {

Result<FlushSites> FlushSites::open(maps::Tables::Options options, std::string_view domains,
                                    std::string_view parents_match, std::string_view service) {
  constexpr std::string_view parameter = "fast_flush_domains";
  FlushSites sites;
  sites.tables_ = std::make_unique<maps::Tables>(std::move(options));
  sites.domains_ = TRY(maps::MatchList::parse(*sites.tables_, parameter, domains, maps::ListKind::domain,
                                              maps::parents_match(parents_match, parameter)));
  sites.socket_ = "public/" + std::string(service);
  return sites;
}

Result<bool> FlushSites::has(std::string_view site) const {
  if (site.empty() || domains_.empty()) return false;
  return domains_.matches(site);
}

Result<ipc::FlushStatus> FlushSites::ask(ipc::Connections& services, const ipc::FlushRequest& request) const {
  return TRY(services.ask_at<ipc::Flush>(socket_, request)).status;
}

}  // namespace queue
