#pragma once
// Knows of addresses whether they could have mail, and finds it out.

#include <memory>
#include <set>
#include <string>

#include "lib/ipc/messages/verify.h"
#include "lib/maps/expiring_cache.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "services/verify/entry.h"
#include "services/verify/prober.h"
#include "services/verify/verify_params.h"

namespace verify {

class Service final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override;
  void serve(server::Connection& connection) override;
  void draining() override;

 private:
  Service(Params params, std::unique_ptr<maps::Tables> tables, std::unique_ptr<maps::ExpiringCache> cache, server::Startup& startup);
  [[nodiscard]] ipc::VerifyAnswer answer(const ipc::VerifyRequest& request);
  [[nodiscard]] Result<ipc::VerifyAnswer> query(const std::string& address);
  [[nodiscard]] Result<ipc::VerifyAnswer> update(const ipc::VerifyRequest& request);
  [[nodiscard]] Result<void> probe(const std::string& address, Entry entry);
  // The answer when the cache cannot be used.
  [[nodiscard]] ipc::VerifyAnswer failed(const ipc::VerifyRequest& request, const base::Error& error) const;
  // What is known; an empty entry where that is nothing.
  [[nodiscard]] Result<Entry> find(const std::string& address);
  [[nodiscard]] Result<void> keep(const std::string& address, const Entry& entry);
  [[nodiscard]] std::chrono::seconds now() const;

  Params params_;
  Times times_;
  const base::Clock& clock_;
  std::unique_ptr<maps::Tables> tables_;
  std::unique_ptr<maps::ExpiringCache> cache_;
  Prober prober_;
};

}  // namespace verify
