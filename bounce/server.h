#pragma once
// The daemon, as the services bounce, defer and trace: the name says which log it keeps.

#include <memory>

#include "bounce/notifier.h"
#include "bounce/outbox.h"
#include "lib/queue/log_file.h"
#include "lib/server/service.h"

namespace bounce {

class Server final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection& connection) override;

 private:
  struct Setup {
    queue::Layout layout;
    Policy policy;
    Templates templates;
    Site site;
    std::size_t line_length_limit;
    std::string cleanup_socket;  // below the queue directory
    queue::OldLine old_line;
  };
  Server(server::Startup& startup, queue::Queue log, Setup setup);

  [[nodiscard]] bool handle(const ipc::BounceRequest& request);
  [[nodiscard]] bool append(const Subject& subject);

  queue::Queue log_;
  queue::OldLine old_line_;
  queue::Layout layout_;
  Outbox outbox_;
  Notifier notifier_;
};

}  // namespace bounce
