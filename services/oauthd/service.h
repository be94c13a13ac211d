#pragma once
// Whose a token is: by the keys of its issuer, or by asking him.

#include <memory>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/ipc/messages/token.h"
#include "lib/server/service.h"
#include "services/oauthd/cache.h"
#include "services/oauthd/claims.h"
#include "services/oauthd/introspection.h"
#include "services/oauthd/keys.h"
#include "services/oauthd/oauthd_params.h"

namespace oauthd {

inline constexpr std::size_t token_limit = 32 * 1024;   // bytes
inline constexpr std::size_t questions_limit = 16;      // to the introspection server at a time

class Service final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection& connection) override;

 private:
  Service(const Params& params, Demands demands, std::vector<Key> keys, std::unique_ptr<Introspection> introspection, const base::Clock& clock);
  [[nodiscard]] ipc::TokenAnswer check(const std::string& token);
  [[nodiscard]] ipc::TokenAnswer ask(const std::string& token);

  Demands demands_;
  std::vector<Key> keys_;
  std::unique_ptr<Introspection> introspection_;
  Cache cache_;
  const base::Clock& clock_;
  event::Semaphore turns_{questions_limit};
};

}  // namespace oauthd
