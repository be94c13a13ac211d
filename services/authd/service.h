#pragma once
// The auth-client protocol, as Dovecot's authentication service speaks it, and the one count of failed logins.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/auth/wire.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "services/authd/authd_params.h"
#include "services/authd/exchange.h"
#include "services/authd/failures.h"
#include "services/authd/tickets.h"
#include "services/authd/userdb.h"

namespace authd {

inline constexpr std::size_t logins_per_connection = 1000;   // under way
inline constexpr int steps_limit = 20;                       // of one login

class Service : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  // `tables` outlives what was opened in it: `exceptions`, of auth_failure_exceptions_networks.
  struct Parts {
    std::vector<const MechanismRow*> wanted;
    Passdb passdb;
    NameFormat format;
    std::unique_ptr<TokenSource> tokens;
    Userdb userdb;
    std::unique_ptr<maps::Tables> tables;
    maps::MatchList exceptions;
  };
  Service(const Params& params, Parts parts, const base::Clock& clock);

  void serve(server::Connection& connection) override;

 private:
  struct Login {
    std::unique_ptr<Exchange> exchange;
    int steps = 0;
  };
  // One program that asks.
  struct Conversation {
    io::Stream& stream;
    bool is_local;   // over a UNIX socket
    std::map<std::uint32_t, Login> logins;
  };

  void greet(io::Stream& stream);
  // False: the peer does not keep to the protocol.
  [[nodiscard]] bool take(Conversation& conversation, std::string_view line);
  // Whose mailbox is where: asked by the mailbox side.
  [[nodiscard]] bool find_user(Conversation& conversation, const auth::WireLine& line);
  [[nodiscard]] bool redeem(Conversation& conversation, const auth::WireLine& line);
  void tell_user(io::Stream& stream, std::uint32_t id, const std::optional<std::string>& name);
  [[nodiscard]] bool begin(Conversation& conversation, const auth::WireLine& line);
  [[nodiscard]] bool go_on(Conversation& conversation, const auth::WireLine& line);
  // One step of a login; it may be its last.
  void advance(Conversation& conversation, std::uint32_t id, const std::optional<std::string>& response);
  void end(Conversation& conversation, std::uint32_t id, const Step& step);

  // What is offered now.
  [[nodiscard]] std::vector<const MechanismRow*> mechanisms() const;
  // A login ends without a verdict from us.
  void give_up(const Login& login);

  [[nodiscard]] bool is_counted(const std::string& address) const;

  Params params_;
  std::unique_ptr<maps::Tables> tables_;
  maps::MatchList exceptions_;
  std::vector<const MechanismRow*> wanted_;
  Authority authority_;
  Userdb userdb_;
  Failures failures_;
  Tickets tickets_;
  unsigned connections_ = 0;
};

}  // namespace authd
