#pragma once
// AUTH (RFC 4954) as all sessions of the process have it: the server that knows the users (smtpd_sasl_path), and which of
// its mechanisms are for whom. Who a client is, SASL's own bytes decide between him and that server.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/auth/mechanism.h"
#include "lib/base/error.h"
#include "lib/maps/table.h"
#include "smtpd/client.h"
#include "smtpd/login_server.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

// Who has logged in.
struct Login {
  std::string method;     // "CRAM-MD5", in capitals
  std::string username;
};

class Sasl {
 public:
  // Null where smtpd_sasl_auth_enable is off. The error: what is asked for is not there, and the server must not start.
  static Result<std::unique_ptr<Sasl>> open(maps::Tables& tables, const Params& params);

  // What the client's connection has.
  struct Channel {
    bool is_encrypted = false, has_binding = false;
  };
  // The mechanisms to announce to this client, "PLAIN LOGIN"; empty when there are none, or none are known now.
  [[nodiscard]] std::string announced_to(const Client& client, Channel channel);
  // What the server calls a mechanism that the client may use; none when he may not. The error: nobody knows now.
  struct Chosen {
    std::string name;
    bool wants_binding;   // it is bound to the channel, or the client could have chosen one that is, and must not be led past it
  };
  [[nodiscard]] Result<std::optional<Chosen>> find(std::string_view mechanism, Channel channel);

  [[nodiscard]] LoginServer& server() { return *server_; }

 private:
  Sasl(std::unique_ptr<LoginServer> server, auth::SecurityOptions plain, auth::SecurityOptions encrypted, maps::MatchList filter,
       maps::MatchList exceptions)
      : server_(std::move(server)),
        plain_(plain),
        encrypted_(encrypted),
        filter_(std::move(filter)),
        exceptions_(std::move(exceptions)) {}

  [[nodiscard]] bool allows(const auth::Mechanism& mechanism, Channel channel) const;
  [[nodiscard]] bool passes_filter(const auth::Mechanism& mechanism) const;

  std::unique_ptr<LoginServer> server_;
  auth::SecurityOptions plain_, encrypted_;
  maps::MatchList filter_;        // of names: what is announced
  maps::MatchList exceptions_;    // of networks: clients to whom nothing is announced
};

}  // namespace smtpd
