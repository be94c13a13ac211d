#pragma once
// The process: what its sessions share, opened before the chroot, and one session for each connection.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/delivery/session_notice.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/receive_overrides.h"
#include "lib/maps/table.h"
#include "lib/queue/flush_sites.h"
#include "lib/server/peer_name.h"
#include "lib/server/service.h"
#include "smtpd/ehlo_keywords.h"
#include "smtpd/footer.h"
#include "smtpd/intake.h"
#include "smtpd/limits.h"
#include "smtpd/policy/policy.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

enum class BareNewline { accept, note, normalize, reject };

// What follows from main.cf. There are two of it: `stress` is empty in the one and "yes" in the other.
struct Snapshot {
  Params params;
  policy::Lists lists;
  Ehlo discarded = Ehlo::none;              // smtpd_discard_ehlo_keywords
  BareNewline bare_newline = BareNewline::normalize;
  maps::MatchList forbidden_commands, noop_commands;
  ipc::ReceiveOverrides overrides;          // receive_override_options

  static Result<Snapshot> load(const config::Main& main, maps::Tables& tables);
  // Without restrictions.
  static Result<Snapshot> load_trusting(const config::Main& main, maps::Tables& tables);

 private:
  static Result<Snapshot> load(Params params, maps::Tables& tables);
};

// Tables that do not depend on `stress`.
struct SharedTables {
  policy::Tables policy;
  maps::MatchList bare_newline_exclusions, event_limit_exceptions;
  queue::FlushSites flush_sites;
  RejectFooter reject_footer;
  maps::Maps discard_ehlo_maps;             // by client address
  std::vector<std::string> own_addresses;   // inet_interfaces, without brackets

  static Result<SharedTables> open(maps::Tables& tables, const config::Main& main, const Params& params);
};

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
  [[nodiscard]] ipc::Connections& services() { return services_; }
  // The client is the user whose process this is.
  [[nodiscard]] bool trusts_clients() const { return trust_ == Trust::yes; }
  // Begins a message. An error with code ENOSPC: there is no space in the queue now.
  [[nodiscard]] Result<std::unique_ptr<Intake>> open_intake(const Snapshot& snapshot, bool smtputf8);
  [[nodiscard]] ipc::Addresses& addresses() { return addresses_; }
  [[nodiscard]] policy::RecentlyListed& recently_listed() { return listed_; }
  [[nodiscard]] AnvilClient& anvil() { return anvil_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  [[nodiscard]] server::PeerNames& peer_names() { return *peer_names_; }
  [[nodiscard]] const delivery::SessionNotices& notices() const { return notices_; }
  [[nodiscard]] const std::string& service_name() const { return service_name_; }

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
  };
  Server(Parts parts, ipc::Connections& services, const base::Clock& clock);

 private:
  std::unique_ptr<maps::Tables> maps_;
  Snapshot normal_, stressed_;
  SharedTables tables_;
  std::unique_ptr<server::PeerNames> peer_names_;
  std::string service_name_, postdrop_;
  Trust trust_;
  ipc::Connections& services_;
  const base::Clock& clock_;
  ipc::Addresses addresses_;
  policy::RecentlyListed listed_;
  AnvilClient anvil_;
  delivery::SessionNotices notices_;
};

}  // namespace smtpd
