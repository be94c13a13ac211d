#pragma once
// The service: hears triggers, reads messages into the active queue, and drives transports.

#include <map>
#include <memory>
#include <string>

#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/ipc/addresses.h"
#include "lib/server/service.h"
#include "qmgr/completion.h"
#include "qmgr/dispatch.h"
#include "qmgr/intake.h"
#include "qmgr/qmgr_params.h"
#include "qmgr/transport.h"

namespace qmgr {

class Manager : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;
  void draining() override;

 private:
  Manager(server::Startup& startup, Params params, std::map<std::string, int> process_limits);

  void handle(char trigger);
  void recover();
  void schedule_queue_run();
  [[nodiscard]] Result<void> enter(const queue::QueueId& id, queue::Queue from, bool demanded);

  // Recipients to transports.
  void assign(const std::shared_ptr<ActiveMessage>& message, std::vector<ipc::DeliveryRecipient> recipients);
  struct Route {
    std::string transport, nexthop, recipient;
  };
  [[nodiscard]] Route route(const ActiveMessage& message, const ipc::DeliveryRecipient& recipient);
  [[nodiscard]] bool is_deferred_transport(std::string_view name) const;
  Transport& transport(const std::string& name);
  void enqueue(const std::string& transport, const std::string& nexthop, Batch batch);

  // Deliveries.
  void pump(Transport& transport);
  void deliver(Transport& transport, Destination& destination, Batch batch);
  void after_delivery(Transport& transport, Destination& destination, const Batch& batch, const Dispatched& outcome);
  void defer_unavailable(const Transport& transport, const Batch& batch);
  void defer_all(Transport& transport);
  void suspend_destination(Transport& transport, Destination& destination);
  void end_batch(const std::shared_ptr<ActiveMessage>& message);
  void complete(const std::shared_ptr<ActiveMessage>& message);

  const Params params_;
  const config::Main main_;
  const std::map<std::string, int> process_limits_;   // maxproc of each service
  queue::Layout layout_;
  ipc::Connections& services_;
  ipc::Addresses addresses_;
  const base::Clock& clock_;
  Completion completion_;
  Intake intake_;

  std::map<std::string, int> agent_deaths_;           // of messages that go on after their agent died
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports_;
  std::map<std::string, std::unique_ptr<event::Loop::Watch>> timers_;   // per transport: for rate delays
  std::unique_ptr<event::Loop::Watch> queue_run_;
};

}  // namespace qmgr
