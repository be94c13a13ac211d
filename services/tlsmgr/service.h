#pragma once
// The process around TicketRings, SessionCaches and TraceFiles: a connection for each asking process.

#include <memory>
#include <utility>

#include "lib/ipc/messages/tlsmgr.h"
#include "lib/server/service.h"
#include "services/tlsmgr/session_caches.h"
#include "services/tlsmgr/ticket_rings.h"
#include "services/tlsmgr/trace_files.h"

namespace tlsmgr {

class Service final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  // `caches` rest on `tables`.
  Service(std::unique_ptr<maps::Tables> tables, std::unique_ptr<SessionCaches> caches, int trace_rate_limit, const base::Clock& clock)
      : tables_(std::move(tables)), caches_(std::move(caches)), rings_(clock), traces_(trace_rate_limit, clock) {}

  void started() override { caches_->clean_regularly(); }
  void serve(server::Connection& connection) override;
  void draining() override { caches_->close(); }

 private:
  [[nodiscard]] ipc::TlsManagerAnswer answer(const ipc::TlsManagerRequest& request);
  [[nodiscard]] ipc::TlsManagerAnswer ticket_keys(const ipc::TlsManagerRequest& request);
  [[nodiscard]] ipc::TlsManagerAnswer begin_trace(const ipc::TlsManagerRequest& request);

  std::unique_ptr<maps::Tables> tables_;
  std::unique_ptr<SessionCaches> caches_;
  TicketRings rings_;
  TraceFiles traces_;
};

}  // namespace tlsmgr
