#pragma once
// The daemon: conversations with clients, each message a queue file that is either on disk when the client hears "ok",
// or gone.

#include <memory>
#include <string>

#include "cleanup/asker.h"
#include "cleanup/bouncer.h"
#include "cleanup/draft.h"
#include "cleanup/filters.h"
#include "cleanup/inflow.h"
#include "cleanup/message.h"
#include "cleanup/policy.h"
#include "cleanup/qmgr_notice.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/maps/table.h"
#include "lib/queue/incoming.h"
#include "lib/server/service.h"

namespace cleanup {

class Server final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;

 private:
  struct Setup {
    Policy policy;
    std::unique_ptr<maps::Tables> tables;
    std::unique_ptr<Asker> asker;
    queue::Layout layout;
    queue::IdForm id_form;
    std::chrono::seconds ipc_timeout;
    int delay_resolution;
    delivery::LogSockets log_sockets;
    std::string qmgr_socket;
    FilterSetup filters;
    std::chrono::seconds in_flow_delay;
    std::size_t inflow_allowance;
  };
  Server(server::Startup& startup, Setup setup);

  [[nodiscard]] bool has_milters(ipc::CleanupFlags flags) const;
  // False when the connection cannot be used any more.
  [[nodiscard]] bool serve_message(server::Connection& connection, ipc::CleanupFlags flags);
  // The records of a message. False: its client has given it up (it says why itself), or speaks nonsense.
  [[nodiscard]] bool receive(io::Stream& stream, Message& message, ContentFilters* filters) const;
  [[nodiscard]] ipc::MessageClosed recover(const std::string& lost_id);
  [[nodiscard]] ipc::MessageClosed close(Message& message, queue::IncomingFile file, const std::optional<base::Error>& failure,
                                         ipc::CleanupFlags flags);
  [[nodiscard]] ipc::MessageClosed bounce(Message& message, queue::IncomingFile file);

  const base::Clock& clock_;
  Setup setup_;
  Bouncer bouncer_;
  QmgrNotice notice_;
  Inflow inflow_;
  std::unique_ptr<queue::IncomingDirectory> incoming_;
};

}  // namespace cleanup
