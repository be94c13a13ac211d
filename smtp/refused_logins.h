#pragma once
// Which logins a server has refused, so that it is not asked again until the password is another or some time has passed
// (smtp_sasl_auth_cache_name): many of them lock an account, or a client out, after a few failures.

#include <memory>
#include <optional>
#include <string>

#include "lib/base/deadline.h"
#include "lib/maps/expiring_cache.h"
#include "lib/smtp/reply.h"
#include "smtp/mechanism.h"
#include "smtp/smtp_params.h"

namespace smtp {

// The table is Postfix's: "host;user" has "time;hash;5.7.8;535 5.7.8 what the server said". A table that cannot be used is
// warned of, and as good as none: the server decides then. Operations park.
class RefusedLogins {
 public:
  // Null where there is no table. The error: processes that are many cannot share it.
  static Result<std::unique_ptr<RefusedLogins>> open(maps::Tables& tables, const Params& params, const std::string& prefix, const base::Clock& clock);

  // What the server said to this login.
  [[nodiscard]] std::optional<ServerReply> find(const std::string& host, const Login& login) const;
  void add(const std::string& host, const Login& login, const ServerReply& reply) const;

 private:
  RefusedLogins(std::unique_ptr<maps::ExpiringCache> cache, std::chrono::seconds lifetime, const base::Clock& clock)
      : cache_(std::move(cache)), lifetime_(lifetime), clock_(clock) {}
  [[nodiscard]] std::chrono::seconds now() const { return std::chrono::floor<std::chrono::seconds>(clock_.stamp().time_since_epoch()); }

  std::unique_ptr<maps::ExpiringCache> cache_;
  std::chrono::seconds lifetime_;
  const base::Clock& clock_;
};

// Its entries. Pure.
namespace refused_login {

[[nodiscard]] std::string format(std::chrono::seconds at, const Login& login, const ServerReply& reply);
// None: of another password, older than `lifetime`, or no entry at all.
[[nodiscard]] std::optional<ServerReply> parse(std::string_view entry, const Login& login, std::chrono::seconds now, std::chrono::seconds lifetime);

}  // namespace refused_login

}  // namespace smtp
