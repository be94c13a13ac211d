#pragma once
// The process: what its sessions share, opened before the chroot, and one session for each connection.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/delivery/session_notice.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/receive_overrides.h"
#include "lib/ipc/ticket_source.h"
#include "lib/ipc/trace_source.h"
#include "lib/maps/table.h"
#include "lib/queue/flush_sites.h"
#include "lib/server/peer_name.h"
#include "lib/server/service.h"
#include "lib/smtp/ehlo_keywords.h"
#include "lib/smtp/reject_footer.h"
#include "smtpd/filter_setup.h"
#include "smtpd/intake.h"
#include "smtpd/limits.h"
#include "smtpd/milters.h"
#include "smtpd/parameters.h"
#include "smtpd/policy/policy.h"
#include "smtpd/reject_filter.h"
#include "smtpd/sasl.h"
#include "smtpd/smtpd_params.h"
#include "smtpd/tls_site.h"

namespace smtpd {

using smtp::Ehlo;

enum class BareNewline { accept, note, normalize, reject };

// What follows from main.cf. There are two of it: `stress` is empty in the one and "yes" in the other.
struct Snapshot {
  Params params;
  policy::Lists lists;
  Ehlo discarded = Ehlo::none;              // smtpd_discard_ehlo_keywords
  BareNewline bare_newline = BareNewline::normalize;
  maps::MatchList forbidden_commands, noop_commands;
  ipc::ReceiveOverrides overrides;          // receive_override_options
  MilterSetup milters;
  std::optional<FilterSetup> filter;        // smtpd_proxy_filter

  static Result<Snapshot> load(const config::Main& main, maps::Tables& tables);
  // Without restrictions.
  static Result<Snapshot> load_trusting(const config::Main& main, maps::Tables& tables);

 private:
  static Result<Snapshot> load(Params params, maps::Tables& tables);
};

// Tables that do not depend on `stress`.
struct SharedTables {
  policy::Tables policy;
  maps::MatchList bare_newline_exclusions, event_limit_exceptions, debug_peers;
  maps::MatchList xclient_hosts, xforward_hosts, verp_clients;   // who may do more
  queue::FlushSites flush_sites;
  smtp::RejectFooter reject_footer;
  RejectFilter reject_filter;
  maps::Maps discard_ehlo_maps;             // by client address
  maps::Maps milter_maps;                   // by client address
  maps::Maps command_filter;                // by command line
  std::vector<std::string> own_addresses;   // inet_interfaces, without brackets

  static Result<SharedTables> open(maps::Tables& tables, const config::Main& main, const Params& params);
};

// What is done with bare newlines from this client.
[[nodiscard]] BareNewline bare_newline_for(const SharedTables& tables, const Snapshot& snapshot, const Client& client);

class Server : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  // For stand_alone.h: takes mail in by postdrop(1). With Trust::yes it asks no restrictions, and opens no table for them.
  enum class Trust { no, yes };
  static Result<std::unique_ptr<Server>> make_stand_alone(const config::Main& main, ipc::Connections& services, Trust trust);

  void serve(server::Connection& connection) override;

  // For sessions.
  [[nodiscard]] const Snapshot& snapshot(bool stressed) const { return stressed ? stressed_ : normal_; }
  [[nodiscard]] const SharedTables& tables() const { return tables_; }
  [[nodiscard]] const TlsSite& tls() const { return tls_; }
  [[nodiscard]] ipc::TicketSource& tickets() { return tickets_; }
  [[nodiscard]] ipc::TraceSource& traces() { return traces_; }
  [[nodiscard]] ipc::Connections& services() { return services_; }
  // The client is the user whose process this is.
  [[nodiscard]] bool trusts_clients() const { return trust_ == Trust::yes; }
  // It hands its mail to postdrop(1): milters see it later.
  [[nodiscard]] bool is_stand_alone() const { return !postdrop_.empty(); }
  // Begins a message. `has_milters`: they will be handed over with it. An error with code ENOSPC: there is no space in the queue now.
  [[nodiscard]] Result<std::unique_ptr<Intake>> open_intake(const Snapshot& snapshot, const MailParameters& asked, bool has_milters);
  [[nodiscard]] ipc::Addresses& addresses() { return addresses_; }
  [[nodiscard]] policy::RecentlyListed& recently_listed() { return listed_; }
  [[nodiscard]] ipc::AnvilClient& anvil() { return anvil_; }
  // Null: nobody may log in.
  [[nodiscard]] Sasl* sasl() { return sasl_.get(); }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  [[nodiscard]] server::PeerNames& peer_names() { return *peer_names_; }
  [[nodiscard]] const delivery::SessionNotices& notices() const { return notices_; }
  [[nodiscard]] const std::string& service_name() const { return service_name_; }
  // What policy servers know a message by; each call gives another.
  [[nodiscard]] std::string next_instance();

  // Tests give their own parts.
  struct Parts {
    std::unique_ptr<maps::Tables> maps;     // outlives what was opened in it
    Snapshot normal, stressed;
    SharedTables tables;
    std::unique_ptr<server::PeerNames> peer_names;
    std::string service_name;
    std::string postdrop{};                 // its path, in stand-alone mode
    Trust trust = Trust::no;
    delivery::NoticeSite notice_site = {};
    TlsSite tls = {};
    std::unique_ptr<Sasl> sasl = nullptr;
  };
  Server(Parts parts, ipc::Connections& services, const base::Clock& clock);

 private:
  std::unique_ptr<maps::Tables> maps_;
  Snapshot normal_, stressed_;
  SharedTables tables_;
  TlsSite tls_;
  std::unique_ptr<server::PeerNames> peer_names_;
  std::string service_name_, postdrop_;
  Trust trust_;
  ipc::Connections& services_;
  const base::Clock& clock_;
  ipc::Addresses addresses_;
  policy::RecentlyListed listed_;
  ipc::AnvilClient anvil_;
  ipc::TicketSource tickets_;
  ipc::TraceSource traces_;
  std::unique_ptr<Sasl> sasl_;
  delivery::SessionNotices notices_;
  unsigned instances_ = 0;
};

}  // namespace smtpd
