#pragma once
// A connection for each smtpd that asks.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/auth/client.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "lib/store/quota_books.h"
#include "services/quota-status/quota-status_params.h"
#include "services/quota-status/request.h"

namespace quota_status {

class Service : public server::Service {
 public:
  // Forks the spawner; before threads and the loop's first turn.
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void started() override { workers_.start_housekeeping(); }
  void serve(server::Connection& connection) override;

 private:
  Service(Params params, auth::Client auth, Fd spawner) : params_(std::move(params)), auth_(std::move(auth)), workers_(std::move(spawner)) {}
  // None: the connection is over.
  [[nodiscard]] std::optional<Request> read_request(io::Stream& stream);
  // In the words of access(5).
  [[nodiscard]] std::string action(const Request& request);
  [[nodiscard]] Result<std::string> judge(const Request& request);
  // By his address, without its extension; where its domain is this host's, also by the part before the "@".
  [[nodiscard]] Result<std::optional<auth::User>> find_user(std::string_view recipient);

  Params params_;
  auth::Client auth_;
  mailbox::WorkerPool workers_;
  std::unique_ptr<maps::Tables> tables_;
  maps::MatchList local_domains_;
  mail::Delimiters delimiters_;
  store::QuotaRules quotas_;
  std::string mail_location_;
};

}  // namespace quota_status
