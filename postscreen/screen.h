#pragma once
// The process: what its sessions share, who may come in, and the way on to the SMTP server.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/server/service.h"
#include "postscreen/allowlist.h"
#include "postscreen/dnsbl_asker.h"
#include "postscreen/session.h"
#include "postscreen/settings.h"
#include "postscreen/tls_proxy.h"

namespace postscreen {

class Screen : public server::Service {
 public:
  struct Parts {
    std::unique_ptr<maps::Tables> maps;   // outlives what was opened in it
    Settings normal, stressed;
    Lists lists;
    std::unique_ptr<maps::ExpiringCache> cache;   // null: nobody is known
  };
  Screen(Parts parts, ipc::Connections& services, const base::Clock& clock);
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection& connection) override;
  void started() override { allowlist_.clean_regularly(); }
  void draining() override;
  [[nodiscard]] bool is_holding() const override { return !sessions_.empty(); }

  // For sessions.
  [[nodiscard]] const Settings& settings() const { return is_stressed_ ? stressed_ : normal_; }
  [[nodiscard]] const Lists& lists() const { return lists_; }
  [[nodiscard]] DnsblAsker& dnsbl() { return dnsbl_; }
  [[nodiscard]] TlsProxy& tls_proxy() { return tls_proxy_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  // Of this client, the one that asks included.
  [[nodiscard]] int connections_of(const io::Address& client) const;
  // What is known of a client, by the allowlist or by another session of his; parks. He must have one.
  [[nodiscard]] const Results& look_up(const io::Address& client);
  void store(const io::Address& client, const Results& results);
  // Clients that are being tested, the one that asks included.
  [[nodiscard]] int tested() const { return tested_; }
  // What a reply looks like on the wire: softened, and with its footer.
  [[nodiscard]] std::string wire(const smtp::Reply& reply, const io::Endpoint& client) const;
  // Whether too many wait for the SMTP server already.
  [[nodiscard]] bool has_no_server() const { return passing_ >= normal_.params.postscreen_post_queue_limit; }
  // To be asked once the log has the new client: it may have become too much.
  void note_stress();
  // The session is over, or gives its descriptor away; it must not be touched any more.
  void forget(unsigned long number);
  // The same for a session that may be over already.
  void abandon(unsigned long number);

  // Hands a client to the SMTP server; parks until that has him. False when there is no place, or no server: the client has still
  // to be told.
  [[nodiscard]] bool pass_on(const Fd& connection, const io::Endpoint& client, const io::Endpoint& server);

 private:
  // From the proxy's header. False: there is none that can be used; that has been logged, and the proxy told. Parks.
  [[nodiscard]] bool hear_proxy(server::Connection& connection) const;
  void enter(const io::Address& client);
  void leave(const io::Address& client);

  std::unique_ptr<maps::Tables> maps_;
  Settings normal_, stressed_;
  Lists lists_;
  Allowlist allowlist_;
  DnsblAsker dnsbl_;
  TlsProxy tls_proxy_;
  ipc::Connections& services_;
  const base::Clock& clock_;
  std::map<unsigned long, std::unique_ptr<Session>> sessions_;
  struct Client {
    int connections = 0;
    std::optional<Results> results;   // once they have been looked up
  };
  std::map<io::Address, Client> clients_;
  unsigned long next_number_ = 0;
  int tested_ = 0, passing_ = 0;
  bool is_stressed_ = false;
};

}  // namespace postscreen
