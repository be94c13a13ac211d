#pragma once
// A connection for each question of postscreen that is under way.

#include <memory>

#include "lib/dns/resolver.h"
#include "lib/ipc/messages/dnsblog.h"
#include "lib/server/service.h"
#include "services/dnsblog/dnsblog_params.h"

namespace dnsblog {

class Service : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  Service(const Params& params, std::unique_ptr<dns::Resolver> resolver, const base::Clock& clock)
      : params_(params), resolver_(std::move(resolver)), clock_(clock) {}

  void serve(server::Connection& connection) override;

 private:
  [[nodiscard]] ipc::DnsblogAnswer ask(const ipc::DnsblogRequest& request);

  Params params_;
  std::unique_ptr<dns::Resolver> resolver_;
  const base::Clock& clock_;
};

}  // namespace dnsblog
