#pragma once
// One request of qmgr(8): a message to be brought to one next hop, by whichever of its servers takes it. Servers are tried
// in order; what one says for good (2xx, 5xx) is a recipient's end, anything else is another server's matter while there
// is one.

#include <expected>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/delivery/recorder.h"
#include "lib/delivery/session_notice.h"
#include "lib/maps/table.h"
#include "smtp/connection_cache.h"
#include "smtp/route.h"
#include "smtp/generic.h"
#include "smtp/smtp_params.h"
#include "smtp/tls_demand.h"
#include "smtp/transaction.h"

namespace smtp {

// What all attempts of a process share. Borrowed.
struct Means {
  Protocol protocol;
  const Params& params;
  const Router& router;
  ConnectionCache& cache;
  const TlsPolicy& tls_policy;
  const maps::Maps& ehlo_discard_maps;   // smtp_discard_ehlo_keyword_address_maps
  const maps::MatchList& cached_destinations;  // smtp_connection_cache_destinations
  const GenericMaps& generic;
  const ContentCheckMaps& checks;
  const delivery::StatusFilter& status_filter;
  std::uint16_t default_port;
  std::string refusal;                   // a setting that protects and is not built yet: everything waits; or empty
  const maps::Maps& reply_filter;              // smtp_reply_filter
  const delivery::SessionNotices& notices;
  delivery::StatusSink& sink;
  const base::Clock& clock;
};

class Attempt {
 public:
  Attempt(const ipc::DeliveryRequest& request, const Means& means);
  [[nodiscard]] ipc::DeliveryAnswer run() &&;

 private:
  // Whether another server is left to try when this one does not take it all.
  enum class Chance { more, last };

  void deliver_to(const std::vector<Destination>& destinations);
  void deliver_to(const Destination& destination, Chance chance);
  void try_kept(const Destination& destination);
  void try_candidate(const Destination& destination, const Candidate& candidate, Chance chance);
  // The failure's reason is what the log is told.
  [[nodiscard]] std::expected<Fd, delivery::Delivery> connect(const Candidate& candidate) const;
  [[nodiscard]] Result<std::set<std::string, std::less<>>> discarded_keywords(const Candidate& candidate) const;
  void talk(const Destination& destination, Connection connection, Chance chance, Stamp ready);
  [[nodiscard]] bool reset(Connection& connection) const;
  void dismiss(const Destination& destination, Connection connection, bool needs_reset);
  [[nodiscard]] bool is_worth_keeping(const Destination& destination, const Connection& connection) const;
  void say_goodbye(Connection& connection, bool needs_reset) const;
  void notify(const Connection& connection) const;
  void prepare(Connection& connection) const;

  // The next hop is not reached, or not in the mood; told in the log unless it is the last word.
  void failed(delivery::Delivery failure, Chance chance);
  void end_all(const delivery::Delivery& delivery, const delivery::Timing& timing);

  const ipc::DeliveryRequest& request_;
  const Means& means_;
  delivery::Recorder recorder_;
  std::vector<std::size_t> pending_;                // recipients without an end
  std::optional<delivery::Delivery> last_failure_;  // what becomes of them if nobody else takes them
  bool hop_failed_ = false;                         // and it is the next hop's failure, not the message's
  delivery::Timing last_timing_;
  int sessions_ = 0;
};

}  // namespace smtp
