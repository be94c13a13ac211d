#pragma once
// pipe(8) as a service: takes delivery requests from the queue manager, and gives each message to the command that the
// service's line in master.cf names.

#include <memory>
#include <string>
#include <vector>

#include "lib/delivery/recorder.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/server/service.h"
#include "pipe/attributes.h"
#include "pipe/pipe_params.h"

namespace pipe_agent {

// What does not change while the process lives.
struct Command {
  std::string service;
  Attributes attributes;
  mailbox::Identity user;
  std::vector<std::string> environment;
  std::chrono::seconds time_limit;
};

class Server : public server::Service {
 public:
  // Finds the user and forks the spawner of workers. An Error says what is wrong with the command line.
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;

 private:
  using Recipients = std::vector<const ipc::DeliveryRecipient*>;

  Server(server::Startup& startup, Params params, Command command, Fd spawner)
      : clock_(startup.clock), services_(startup.services), params_(std::move(params)), command_(std::move(command)),
        workers_(std::move(spawner)) {}

  ipc::DeliveryAnswer deliver(const ipc::DeliveryRequest& request);
  // Ends the deliveries of recipients whom the message has reached before; the others are left.
  Result<Recipients> without_loops(const ipc::DeliveryRequest& request, delivery::Recorder& recorder) const;
  [[nodiscard]] delivery::Delivery deliver_to(const ipc::DeliveryRequest& request, const Recipients& recipients);
  [[nodiscard]] delivery::Delivery run(const ipc::DeliveryRequest& request, const Recipients& recipients,
                                       std::vector<std::string> arguments);
  [[nodiscard]] delivery::Delivery ended(delivery::Status status, mail::Dsn dsn, std::string reason) const;

  const base::Clock& clock_;
  ipc::Connections& services_;
  Params params_;
  Command command_;
  std::unique_ptr<maps::Tables> tables_;
  delivery::StatusFilter status_filter_;
  queue::FlushSites flush_sites_;
  mailbox::WorkerPool workers_;
};

}  // namespace pipe_agent
