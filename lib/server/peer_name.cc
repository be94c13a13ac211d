#include "lib/server/peer_name.h"

#include <algorithm>
#include <map>

#include "lib/dns/resolver.h"
#include "lib/log/log.h"

namespace server {
namespace {

// How long an answer is used again, and how many are kept; when there are more, all are forgotten.
constexpr std::chrono::seconds answer_lifetime{30};
constexpr std::size_t answers_limit = 1024;
// For both questions. A client whose name nobody can tell by then is "unknown".
constexpr std::chrono::seconds look_up_time_limit{30};

bool is_temporary(dns::Status status) { return status == dns::Status::temporary || status == dns::Status::garbled; }

class ResolvedPeerNames : public PeerNames {
 public:
  ResolvedPeerNames(std::unique_ptr<dns::Resolver> resolver, const base::Clock& clock)
      : resolver_(std::move(resolver)), clock_(clock) {}

  PeerName look_up(const io::Address& address) override {
    if (const auto kept = kept_.find(address); kept != kept_.end() && kept->second.until > clock_.now()) {
      return kept->second.name;
    }
    PeerName name = ask(address);
    if (kept_.size() >= answers_limit) kept_.clear();
    kept_[address] = Kept{name, clock_.now() + answer_lifetime};
    return name;
  }

 private:
  struct Kept {
    PeerName name;
    Deadline until;
  };

  PeerName ask(const io::Address& address) {
    const Deadline deadline = clock_.now() + look_up_time_limit;
    PeerName out;
    const auto names = resolver_->host_names(address, deadline);
    if (!names) {
      out.name_may_come = out.reverse_name_may_come = is_temporary(names.status);
      return out;
    }
    out.reverse_name = names.records.front();
    const auto addresses = resolver_->host_addresses(
        out.reverse_name, address.is_v6() ? dns::Families::ipv6 : dns::Families::ipv4, deadline);
    if (!addresses) {
      out.name_may_come = is_temporary(addresses.status);
      maillog::warning("hostname {} does not resolve to address {}: {}", out.reverse_name, address.text(), addresses.reason);
    } else if (std::ranges::find(addresses.records, address) == addresses.records.end()) {
      maillog::warning("hostname {} does not resolve to address {}", out.reverse_name, address.text());
    } else {
      out.name = out.reverse_name;
    }
    return out;
  }

  std::unique_ptr<dns::Resolver> resolver_;
  const base::Clock& clock_;
  std::map<io::Address, Kept> kept_;
};

}  // namespace

Result<std::unique_ptr<PeerNames>> make_peer_names(const base::Clock& clock) {
  return std::make_unique<ResolvedPeerNames>(TRY(dns::Resolver::open({})), clock);
}

}  // namespace server
