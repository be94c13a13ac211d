#pragma once
// The client's end of SASL mechanisms (RFC 4422): the strongest of those that a server offers and the settings allow, and what it
// answers to the server. The bytes are those of the mechanism; how they travel is sasl.h's matter. Most are libgsasl's.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/auth/mechanism.h"
#include "lib/base/error.h"
#include "lib/tls/channel_binding.h"

struct Gsasl;

namespace smtp {

// Who we are to a server. With OAuth the password is the token. `acts_for` is an authorization identity (RFC 4422 section 2);
// empty: none is named.
struct Login {
  std::string user, password, acts_for = {};
  friend bool operator==(const Login&, const Login&) = default;
};

// Why an exchange cannot go on: for the log (may be empty), and in the words that a delivery ends with.
struct MechanismFailure {
  std::string warning, reason;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  // The answer to a challenge; before any, the initial response of a mechanism that has one. May park the fiber.
  [[nodiscard]] virtual std::expected<std::string, MechanismFailure> respond(std::string_view challenge) = 0;
  // The server has proved what it has to, so that its success counts.
  [[nodiscard]] virtual bool trusts_server() const { return true; }
};

struct Mechanism {
  std::string_view name;
  auth::Property properties;
  bool begins;          // there is an initial response
  bool is_bound = false;  // to the TLS connection
};

class Mechanisms {
 public:
  static Result<Mechanisms> open();
  // The strongest one; null when there is none.
  [[nodiscard]] static const Mechanism* choose(const std::vector<std::string>& offered, const auth::SecurityOptions& options, bool has_binding = false);
  // `host` is the server's name, `service` "smtp" or "lmtp"; `binding` is of the TLS connection.
  [[nodiscard]] Result<std::unique_ptr<Exchange>> begin(const Mechanism& mechanism, const Login& login, const std::string& service,
                                                        const std::string& host, const tls::ChannelBinding& binding = {}) const;

 private:
  explicit Mechanisms(std::shared_ptr<Gsasl> library) : library_(std::move(library)) {}
  std::shared_ptr<Gsasl> library_;
};

}  // namespace smtp
