#pragma once
// The service: hears triggers, scans, decides who enters the active queue, and drives transports.

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/ipc/addresses.h"
#include "lib/server/service.h"
#include "qmgr/completion.h"
#include "qmgr/dispatch.h"
#include "qmgr/qmgr_params.h"
#include "qmgr/scan.h"
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

  // Intake: ids that wait for a place in the active queue.
  void handle(char trigger);
  void add_incoming(queue::QueueId id);
  void try_now(queue::QueueId id);
  void recover();
  void schedule_queue_run();
  void start_scan(queue::Queue queue, Due due);
  void feed();                              // a fiber for the life of the process
  void activate(queue::QueueId id, queue::Queue from);
  void try_later(queue::QueueId id, queue::Queue from);
  [[nodiscard]] Result<void> enter(const queue::QueueId& id, queue::Queue from);
  [[nodiscard]] bool has_room() const { return active_.size() + activating_ < static_cast<std::size_t>(params_.qmgr_message_active_limit); }

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

  std::deque<queue::QueueId> incoming_, deferred_;    // wait for a place
  std::set<std::string> known_;                       // ids that wait or are active
  std::set<std::string> demanded_;                    // of these, whom somebody has asked for
  bool incoming_overflowed_ = false;                  // there is more in the directory than incoming_ holds
  bool scanning_incoming_ = false, scanning_deferred_ = false;
  bool scan_all_next_ = false;                        // asked for while a scan of deferred ran
  std::size_t activating_ = 0;
  event::Notify feed_;
  event::Semaphore activations_;
  std::unordered_map<std::string, std::shared_ptr<ActiveMessage>> active_;
  std::map<std::string, int> agent_deaths_;           // of messages that go on after their agent died
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports_;
  std::map<std::string, std::unique_ptr<event::Loop::Watch>> timers_;   // per transport: for rate delays
  std::unique_ptr<event::Loop::Watch> queue_run_;
};

}  // namespace qmgr
