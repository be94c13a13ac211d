#include "services/anvil/service.h"

#include "lib/log/log.h"

namespace anvil {

Service::~Service() { report_now(); }

void Service::started() { report_later(); }

void Service::serve(server::Connection& connection) {
  Holder holder(counts_);
  server::serve_requests<ipc::Anvil>(connection, [&](const ipc::AnvilRequest& request) { return holder.count(request); });
}

void Service::report_later() {
  next_report_ = event::Loop::current().timer(params_.anvil_status_update_time, [this] {
    report_now();
    report_later();
  });
}

void Service::report_now() {
  for (const std::string& line : report(counts_.take_peaks(), params_.anvil_rate_time_unit)) maillog::info("{}", line);
}

}  // namespace anvil
