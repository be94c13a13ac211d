#pragma once
// local(8) as a service: takes delivery requests from the queue manager.

#include <memory>

#include "lib/event/loop.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/server/service.h"
#include "local/agent.h"

namespace local {

class Server : public server::Service {
 public:
  // Opens the tables and forks the spawner of workers. An Error says which parameter is wrong.
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;

 private:
  Server(server::Startup& startup, Agent agent, Fd spawner);

  ipc::DeliveryAnswer deliver(const ipc::DeliveryRequest& request);

  Agent agent_;
  ipc::Addresses addresses_;
  mailbox::WorkerPool workers_;
};

}  // namespace local
