#pragma once
// Answers questions about addresses: which canonical form, and where does it go?

#include <memory>

#include "lib/config/main_cf.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "services/rewrite/canonical.h"
#include "services/rewrite/resolve.h"
#include "services/rewrite/rewrite_params.h"

namespace rewrite {

// All that an answer depends on; made once, of main.cf.
class Answers {
 public:
  static Result<Answers> make(const Params& params, maps::Tables& tables, const std::vector<std::string>& own_addresses);
  [[nodiscard]] ipc::AddressAnswer answer(const ipc::AddressRequest& request) const;

 private:
  Answers(CanonicalRules local, CanonicalRules remote, Resolver resolver, Resolver probe_resolver)
      : local_(std::move(local)), remote_(std::move(remote)), resolver_(std::move(resolver)), probe_resolver_(std::move(probe_resolver)) {}
  CanonicalRules local_, remote_;
  Resolver resolver_, probe_resolver_;
};

class Rewrite final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  void serve(server::Connection& connection) override;

 private:
  Rewrite(std::unique_ptr<maps::Tables> tables, Answers answers) : tables_(std::move(tables)), answers_(std::move(answers)) {}
  std::unique_ptr<maps::Tables> tables_;
  Answers answers_;
};

}  // namespace rewrite
