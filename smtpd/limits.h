#pragma once
// How much one client may do at a time and per minute, over all processes of the service: counted by anvil(8).

#include <optional>
#include <string>

#include "lib/ipc/anvil_client.h"
#include "lib/maps/table.h"
#include "smtpd/client.h"
#include "smtpd/reply.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

// The limits on one session. Counts the connection for as long as it lives.
class ClientLimits {
 public:
  // `exceptions`: smtpd_client_event_limit_exceptions.
  ClientLimits(ipc::AnvilClient& anvil, const Params& params, const maps::MatchList& exceptions, std::string_view service,
               const Client& client);
  // The client has become another, of whom nothing is counted yet. Who may speak for others is not limited himself.
  enum class Speaks { for_himself, for_others };
  void begin(Speaks speaks);
  ClientLimits(const ClientLimits&) = delete;
  ClientLimits& operator=(const ClientLimits&) = delete;

  // Each gives the refusal when the event is one too many; the warning is logged here.
  [[nodiscard]] std::optional<Reply> connected();
  [[nodiscard]] std::optional<Reply> message();
  [[nodiscard]] std::optional<Reply> recipient();
  [[nodiscard]] std::optional<Reply> new_tls();
  // Whether the last new TLS session was one too many already. Counts nothing.
  [[nodiscard]] bool has_too_many_tls();
  [[nodiscard]] std::optional<Reply> authentication();

  // How many the client has now; 0 where it is not counted.
  [[nodiscard]] int connections() const { return connections_; }

  // The end of the session: gives the connection back. Not in the destructor, since it waits.
  void disconnected();

 private:
  // Counts one event and says what is too much about it, or nothing.
  void warn(std::string_view what, int count) const;

  ipc::AnvilClient& anvil_;
  const Params& params_;
  const maps::MatchList& exceptions_;
  const Client& client_;
  std::string service_, ident_;
  bool is_limited_ = false;
  bool is_counted_ = false;
  int connections_ = 0;
};

}  // namespace smtpd
