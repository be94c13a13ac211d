#pragma once
// Asks the server that issued a token whether it is active (RFC 7662), by HTTP POST. Blocks: on the pool.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "services/oauthd/json.h"

namespace oauthd {

struct IntrospectionSettings {
  std::string url, client_id, secret, authorities_file;
  std::chrono::seconds timeout{};
};

class Introspection {
 public:
  // The error: no URL that may be asked.
  static Result<std::unique_ptr<Introspection>> open(IntrospectionSettings settings);
  ~Introspection();
  Introspection(const Introspection&) = delete;
  Introspection& operator=(const Introspection&) = delete;

  // In a fiber. The server's object, whose "active" is true or false. The error: it could not tell; the token is not in it.
  [[nodiscard]] Result<Json> ask(const std::string& token);

 private:
  struct Handle;
  explicit Introspection(IntrospectionSettings settings);

  IntrospectionSettings settings_;
  std::vector<std::unique_ptr<Handle>> idle_;   // with their connections
};

}  // namespace oauthd
