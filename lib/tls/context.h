#pragma once
// A context: what all TLS connections of a service share. Made at start, before the chroot: it reads keys that only root
// may read.

#include <memory>
#include <string>

#include "lib/base/error.h"
#include "lib/tls/settings.h"
#include "lib/tls/tickets.h"

struct ssl_ctx_st;

namespace tls {

class ServerContext {
 public:
  // The error says in one line what is wrong; what the library says about it is left for log_library_problems().
  static Result<std::unique_ptr<ServerContext>> make(const ServerSettings& settings);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  [[nodiscard]] ssl_ctx_st* get() const;
  [[nodiscard]] const ServerSettings& settings() const { return settings_; }
  // Without keys no session is resumed: who serves fills them in (ipc::TicketSource) before a handshake. Null: there are no tickets.
  [[nodiscard]] TicketKeys* tickets() const;
  // Whether it could take the ciphers of the settings: to take them costs as much as a part of a handshake, so it is done once.
  [[nodiscard]] bool has_ciphers() const;

 private:
  struct State;
  ServerContext(ServerSettings settings, std::unique_ptr<State> state);

  ServerSettings settings_;
  std::unique_ptr<State> state_;
};

class ClientContext {
 public:
  // The error as for a server's.
  static Result<std::unique_ptr<ClientContext>> make(const ClientSettings& settings);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  [[nodiscard]] ssl_ctx_st* get() const;
  [[nodiscard]] const ClientSettings& settings() const { return settings_; }
  // Stands for all that a session depends on but the server: one that began under other settings or demands is not for these, since
  // a certificate that is good for the ones need not be so for the others. Empty: it cannot be told.
  [[nodiscard]] std::string session_digest(const ServerDemands& demands) const;

 private:
  struct State;
  ClientContext(ClientSettings settings, std::unique_ptr<State> state);

  ClientSettings settings_;
  std::unique_ptr<State> state_;
};

// Logs what OpenSSL has to say as warnings.
void log_library_problems();

}  // namespace tls
