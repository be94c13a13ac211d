#pragma once
// virtual(8) as a service: takes delivery requests from the queue manager, for mailboxes that tables name.

#include <memory>

#include "lib/delivery/recorder.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/mailbox/lock_method.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/server/service.h"
#include "lib/store/quota_books.h"
#include "virtual/target.h"
#include "virtual/virtual_params.h"

namespace virtual_agent {

class Server : public server::Service {
 public:
  // Opens the tables and forks the spawner of workers. An Error says which parameter is wrong.
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;

 private:
  Server(server::Startup& startup, Params params, Fd spawner) : clock_(startup.clock), services_(startup.services),
        params_(std::move(params)), workers_(std::move(spawner)) {}

  ipc::DeliveryAnswer deliver(const ipc::DeliveryRequest& request);
  [[nodiscard]] delivery::Delivery deliver_one(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient);
  [[nodiscard]] delivery::Delivery deliver_to(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient,
                                              const Mailbox& box);

  const base::Clock& clock_;
  ipc::Connections& services_;
  Params params_;
  std::unique_ptr<maps::Tables> open_tables_;
  Tables tables_;
  store::QuotaRules quotas_;
  queue::FlushSites flush_sites_;
  delivery::StatusFilter status_filter_;
  mailbox::LockMethods locks_;
  mailbox::LockPatience patience_;
  mailbox::WorkerPool workers_;
};

}  // namespace virtual_agent
