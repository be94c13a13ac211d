#pragma once
// The process around Counts: a connection for each smtpd process, and the report of peaks.

#include <memory>

#include "lib/event/loop.h"
#include "lib/server/service.h"
#include "services/anvil/anvil_params.h"
#include "services/anvil/counts.h"

namespace anvil {

class Service : public server::Service {
 public:
  Service(const Params& params, const base::Clock& clock)
      : params_(params), counts_(params.anvil_rate_time_unit, clock) {}
  ~Service() override;

  void started() override;
  void serve(server::Connection& connection) override;

 private:
  void report_later();
  void report_now();

  Params params_;
  Counts counts_;
  std::unique_ptr<event::Loop::Watch> next_report_;
};

}  // namespace anvil
