#pragma once
// A client of the auth-client protocol: asks Dovecot's authentication service, or authd(8), whether somebody is who he says.
// It carries what the two ends of a SASL mechanism say to each other, in base64, and understands nothing of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/auth/mechanism.h"
#include "lib/auth/wire.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/maps/server_connections.h"
#include "lib/tls/channel_binding.h"

namespace auth {

// For each step. Dovecot lets a client wait for 17 seconds at most who has failed many times.
inline constexpr std::chrono::seconds answer_wait{30};
inline constexpr std::size_t mechanisms_limit = 64;     // that one server may name
inline constexpr std::size_t user_limit = 1024;         // bytes of a user's name
inline constexpr int noise_limit = 100;                 // lines of other exchanges, or of no interest, before an answer

// Who wants to log in, where.
struct Attempt {
  std::string_view mechanism;       // as the server named it
  std::string_view service;         // "smtp"
  std::string_view local_address, remote_address;
  bool is_encrypted = false;        // the client's connection to us
  // Of the client's TLS connection. Only for a server that has said "valija-channel-binding" of a mechanism: authd(8). Null: none.
  const tls::ChannelBinding* binding = nullptr;
  std::optional<std::string_view> initial;   // the initial response, in base64; may be empty
  // Not empty: of authd(8) a ticket is wanted, for this session of the service.
  std::string_view session;
};

// What the server says to one step.
struct Answer {
  enum class Kind {
    challenge,    // `text` is for the client; his response is for go_on()
    accepted,     // `user` is logged in
    refused,      // wrong, or not allowed
    unavailable,  // the server cannot tell now
  };
  Kind kind;
  std::string text;     // challenge: base64. refused, unavailable: the server's reason; may be empty
  std::string user;     // the name that the client gave or, accepted, the server's form of it; may be empty if refused
  std::string ticket;   // accepted: as it was wanted
};

// Where a user has his mailbox.
struct User {
  std::string name, uid, gid, home, mail;   // home and mail may be empty
  std::string quota_rule = {};              // likewise; as mail_quota has it, or as Dovecot writes it
};

class Client;

// One attempt under way. Destroyed before its end it is given up.
class Exchange {
 public:
  // The error: the server is gone, or does not keep to the protocol; the exchange is over.
  [[nodiscard]] Result<Answer> go_on(std::string_view response);

 private:
  friend class Client;
  Exchange(Client& client, maps::ServerConnections::Connection connection, std::uint32_t id)
      : client_(client), connection_(std::move(connection)), id_(id) {}
  [[nodiscard]] Result<Answer> await(Deadline deadline);

  Client& client_;
  maps::ServerConnections::Connection connection_;
  std::uint32_t id_;
};

// One for all sessions of a process.
class Client {
 public:
  // "private/auth", "unix:PATH" or "inet:HOST:PORT", as smtpd_sasl_path has it.
  static Result<Client> to(std::string_view path);

  // What the server offered when it was last connected to; connects where it never was. The error names the server.
  [[nodiscard]] Result<std::vector<Mechanism>> mechanisms();

  struct Started {
    Exchange exchange;
    Answer answer;
  };
  [[nodiscard]] Result<Started> start(const Attempt& attempt);

  // Of a server that is authd(8), over its UNIX socket. None: it knows no such user. The error: it cannot tell now.
  [[nodiscard]] Result<std::optional<User>> user(std::string_view name, std::string_view service);

  // The same of who has the ticket, which is spent by it. None: it is not good, or its user has no mailbox.
  [[nodiscard]] Result<std::optional<User>> redeem(std::string_view ticket, std::string_view service, std::string_view session);

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  friend class Exchange;
  explicit Client(std::string name, maps::ServerAddress address);
  [[nodiscard]] Result<maps::ServerConnections::Connection> connect(Deadline deadline);
  [[nodiscard]] Result<void> greet(io::Stream& stream, Deadline deadline);
  // `what` is the line behind its number.
  [[nodiscard]] Result<std::optional<User>> ask_for_user(std::string_view command, std::string_view what);

  std::string name_;
  maps::ServerConnections connections_;
  std::vector<Mechanism> mechanisms_;
  std::uint32_t last_id_ = 0;   // on each connection ids have to grow
};

}  // namespace auth
