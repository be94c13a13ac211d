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
#include "lib/ipc/trace_source.h"
#include "lib/maps/table.h"
#include "smtp/connection_cache.h"
#include "smtp/route.h"
#include "smtp/starttls.h"
#include "smtp/generic.h"
#include "smtp/pix.h"
#include "smtp/sasl.h"
#include "smtp/smtp_params.h"
#include "smtp/tls_choice.h"
#include "smtp/tls_sessions.h"
#include "smtp/transaction.h"

namespace smtp {

// What all attempts of a process share. Borrowed.
struct Means {
  Protocol protocol;
  const Params& params;
  const Router& router;
  ConnectionCache& cache;
  const TlsSite& tls;
  const Dane& dane;
  const RequireTlsPolicy& require_tls;
  dns::Resolver& resolver;
  std::string report_socket;             // of TLSRPT; empty: nothing is reported
  TlsSessions* tls_sessions = nullptr;         // null: none is resumed
  ipc::TraceSource& tls_traces;
  const SaslSite& sasl;
  const maps::Maps& ehlo_discard_maps;   // smtp_discard_ehlo_keyword_address_maps
  const maps::Maps& pix_workaround_maps;  // smtp_pix_workaround_maps
  const maps::MatchList& cached_destinations;  // smtp_connection_cache_destinations
  const maps::MatchList& debug_peers;          // debug_peer_list
  const GenericMaps& generic;
  const ContentCheckMaps& checks;
  const delivery::StatusFilter& status_filter;
  std::uint16_t default_port;
  const config::KnownPorts& ports;
  const maps::Maps& reply_filter;              // smtp_reply_filter
  const delivery::SessionNotices& notices;
  delivery::StatusSink& sink;
  ipc::Connections& services;
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
  [[nodiscard]] std::optional<TlsReport> open_report(const Destination& destination) const;
  // Another candidate may do; nobody is told but by the last word.
  void unreachable(delivery::Delivery failure);
  void try_candidate(const Destination& destination, const Candidate& candidate, const TlsChoice& tls, Chance chance);
  [[nodiscard]] bool may_go_in_plaintext(const TlsPlan& plan) const;
  // Nobody to send to; best_mx_transport where that is us.
  void unroutable(const Destination& destination, delivery::Delivery failure, Chance chance);
  void pass_on(const std::string& to);
  // The failure's reason is what the log is told.
  [[nodiscard]] std::expected<Fd, delivery::Delivery> connect(const Candidate& candidate) const;
  [[nodiscard]] Result<std::set<std::string, std::less<>>> discarded_keywords(const Candidate& candidate) const;
  [[nodiscard]] PixWorkarounds pix_workarounds(const Peer& peer) const;
  void talk(const Destination& destination, Connection connection, Chance chance, Stamp ready);
  [[nodiscard]] bool reset(Connection& connection) const;
  void dismiss(const Destination& destination, Connection connection, bool needs_reset);
  [[nodiscard]] bool is_worth_keeping(const Destination& destination, const Connection& connection) const;
  void say_goodbye(Connection& connection, bool needs_reset) const;
  void notify(const Connection& connection) const;
  void prepare(Connection& connection, const Destination& destination) const;
  [[nodiscard]] bool is_debugged(const std::string& name, const std::string& address) const;

  // The next hop is not reached, or not in the mood; told in the log unless it is the last word.
  void failed(delivery::Delivery failure, Chance chance);
  void end_all(delivery::Delivery delivery, const delivery::Timing& timing);

  const ipc::DeliveryRequest& request_;
  const Means& means_;
  delivery::Recorder recorder_;
  TlsChooser chooser_;
  std::string tls_note_;                            // for the log: of the present server, or of the last one; empty before the first
  const TlsReport* report_ = nullptr;               // for the present destination; null: nobody wants to hear of TLS
  std::vector<std::size_t> pending_;                // recipients without an end
  std::optional<delivery::Delivery> last_failure_;  // what becomes of them if nobody else takes them
  bool hop_failed_ = false;                         // and it is the next hop's failure, not the message's
  delivery::Timing last_timing_;
  int sessions_ = 0;
};

}  // namespace smtp
