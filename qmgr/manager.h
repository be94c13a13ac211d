#pragma once
// The service: hears triggers, lets messages in, completes them, and reads on in those that are long.

#include <map>
#include <memory>
#include <string>

#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/server/service.h"
#include "qmgr/admission.h"
#include "qmgr/completion.h"
#include "qmgr/deliveries.h"
#include "qmgr/intake.h"
#include "qmgr/qmgr_params.h"
#include "qmgr/router.h"
#include "qmgr/scheduler.h"

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

  // Reads more recipients of a message, now or when it is time.
  void refill(const ActiveMessage& message);
  void over(const std::shared_ptr<ActiveMessage>& message);
  void complete(const std::shared_ptr<ActiveMessage>& message);
  void leave(const ActiveMessage& message);

  const Params params_;
  const config::Main main_;
  queue::Layout layout_;
  const base::Clock& clock_;
  Scheduler scheduler_;
  Router router_;
  Deliveries deliveries_;
  Admission admission_;
  Completion completion_;
  Intake intake_;

  std::map<const ActiveMessage*, std::unique_ptr<event::Loop::Watch>> refills_;   // messages that wait for their next recipients
  std::unique_ptr<event::Loop::Watch> queue_run_;
};

}  // namespace qmgr
