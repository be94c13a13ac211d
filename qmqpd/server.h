#pragma once
// The process: what its sessions share, opened before the chroot.

#include <memory>
#include <string>

#include "lib/ipc/messages/cleanup.h"
#include "lib/maps/table.h"
#include "lib/server/peer_name.h"
#include "lib/server/service.h"
#include "qmqpd/qmqpd_params.h"

namespace qmqpd {

class Server : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection& connection) override;

  // For sessions.
  [[nodiscard]] const Params& params() const { return params_; }
  [[nodiscard]] const maps::MatchList& authorized() const { return authorized_; }
  [[nodiscard]] server::PeerNames& peer_names() { return *peer_names_; }
  [[nodiscard]] ipc::Connections& services() { return services_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  [[nodiscard]] ipc::CleanupFlags flags() const { return flags_; }

 private:
  Server(server::Startup& startup, Params params);

  Params params_;
  std::unique_ptr<maps::Tables> maps_;
  maps::MatchList authorized_;
  std::unique_ptr<server::PeerNames> peer_names_;
  ipc::Connections& services_;
  const base::Clock& clock_;
  ipc::CleanupFlags flags_ = ipc::CleanupFlags::filter | ipc::CleanupFlags::map | ipc::CleanupFlags::milters;
};

}  // namespace qmqpd
