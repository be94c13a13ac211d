#pragma once
// The process around the lists: requests, the time for a site's next pass, and qmgr(8), which does the trying.

#include <memory>
#include <string>
#include <vector>

#include "lib/queue/flush_sites.h"
#include "lib/queue/layout.h"
#include "lib/server/service.h"
#include "services/flush/flush_params.h"
#include "services/flush/pace.h"
#include "services/flush/site_logs.h"

namespace flush {

class Service : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection& connection) override;

 private:
  Service(const Params& params, queue::FlushSites sites, const base::Clock& clock);

  [[nodiscard]] ipc::FlushStatus answer(const ipc::FlushRequest& request);
  [[nodiscard]] ipc::FlushStatus add(const ipc::FlushRequest& request);
  [[nodiscard]] ipc::FlushStatus send_site(const ipc::FlushRequest& request);
  [[nodiscard]] ipc::FlushStatus send_file(const ipc::FlushRequest& request);

  // The whole of a list to qmgr.
  [[nodiscard]] ipc::FlushStatus pass(const std::string& name);
  void pass_later(const std::string& name);

  // In a fiber of its own; one at a time.
  enum class Which { old, all };
  void refresh(Which which);
  void refresh_all(Which which);

  Params params_;
  queue::FlushSites sites_;
  queue::Layout layout_;
  SiteLogs logs_;
  Pace pace_;
  const base::Clock& clock_;
  bool refreshing_ = false;
};

}  // namespace flush
