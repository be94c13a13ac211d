#pragma once
// What all clients of a front share. Made at start, before the chroot.

#include <memory>
#include <string>
#include <vector>

#include "lib/auth/client.h"
#include "lib/auth/mechanism.h"
#include "lib/front/settings.h"
#include "lib/ipc/anvil_client.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/ticket_source.h"
#include "lib/server/peer_name.h"
#include "lib/server/service.h"
#include "lib/smtp/tls_site.h"

namespace front {

class Gate {
 public:
  // The error: a setting that is none, or a certificate that should be there.
  static Result<std::unique_ptr<Gate>> open(server::Startup& startup, Settings settings);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const smtp::TlsSite& site() const { return site_; }
  // Null: TLS is not offered.
  [[nodiscard]] tls::ServerContext* tls() { return site_.context.get(); }
  [[nodiscard]] ipc::TicketSource& session_tickets() { return session_tickets_; }
  [[nodiscard]] auth::Client& auth() { return auth_; }
  [[nodiscard]] ipc::Connections& services() { return services_; }
  [[nodiscard]] ipc::AnvilClient& anvil() { return anvil_; }
  [[nodiscard]] server::PeerNames& peer_names() { return *peer_names_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }

  // What the client's connection has.
  struct Channel {
    bool is_encrypted, is_local, has_binding;
  };
  // Whether a password may come over it as it is.
  [[nodiscard]] bool takes_cleartext(Channel channel) const {
    return channel.is_encrypted || (site_.level != smtp::TlsLevel::encrypt && (channel.is_local || settings_.allows_cleartext));
  }
  // The mechanisms for such a client; none when nobody knows now, which is logged.
  [[nodiscard]] std::vector<auth::Mechanism> mechanisms(Channel channel);

 private:
  Gate(server::Startup& startup, Settings settings, auth::Client auth, std::unique_ptr<server::PeerNames> peer_names);
  [[nodiscard]] Result<void> open_tls(server::Startup& startup);

  Settings settings_;
  ipc::Connections& services_;
  ipc::AnvilClient anvil_;
  const base::Clock& clock_;
  ipc::TicketSource session_tickets_;
  auth::Client auth_;
  std::unique_ptr<server::PeerNames> peer_names_;
  std::unique_ptr<maps::Tables> tables_;
  smtp::TlsSite site_;
};

}  // namespace front
