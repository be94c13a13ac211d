#pragma once
// The daemon that opens mailboxes: it redeems tickets, becomes users (in processes that it forks), and hands sessions to them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/auth/client.h"
#include "lib/event/loop.h"
#include "lib/ipc/anvil_client.h"
#include "lib/ipc/messages/mailbox.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/owner/session.h"
#include "lib/server/service.h"

namespace owner {

struct Settings {
  std::string service;            // as authd knows it: "imap"
  std::string auth_service;       // auth_service_name
  std::string mail_location;      // for users of whom authd says nothing else
  int user_sessions_limit = 0;    // of one user from one address; 0: none
  std::string limit_parameter;    // its name, for the client
  // The quota of a user, for his session; empty: there is none to tell. The error: nobody can tell now.
  std::function<Result<std::string>(const auth::User& user)> quota_of = {};
};

// mail_location; where it is empty, the place to which local(8) delivers.
[[nodiscard]] std::string location_of(const std::string& mail_location, const std::string& home_mailbox, const std::string& spool_directory);

// With whose rights a user's mailbox is opened. The error: authd says no ids, or root's.
[[nodiscard]] Result<mailbox::Identity> identity_of(const auth::User& user);

class Service : public server::Service {
 public:
  // Forks the spawner; before threads and the loop's first turn.
  static Result<std::unique_ptr<Service>> make(server::Startup& startup, Settings settings, Serve serve);

  void started() override;
  void serve(server::Connection& connection) override;
  [[nodiscard]] bool is_holding() const override { return sessions_ > 0; }

 private:
  // A process of a user.
  struct Process;

  Service(Settings settings, auth::Client auth, ipc::Connections& services, Fd spawner);
  [[nodiscard]] ipc::MailboxAnswer open(ipc::MailboxRequest request);
  [[nodiscard]] Result<std::shared_ptr<Process>> process_of(const auth::User& user);
  [[nodiscard]] Result<std::shared_ptr<Process>> start(mailbox::Identity who);
  // Counts a session of the user's with anvil(8), as `ident`. False: it is one too many, and not counted.
  [[nodiscard]] bool count(const std::string& ident);
  void uncount(const std::string& ident);   // empty: it has not been counted
  [[nodiscard]] Result<void> order(Process& process, std::uint64_t number, ipc::MailboxRequest request, const auth::User& user);
  void hear(const std::shared_ptr<Process>& process);
  void ended(Process& process, std::uint64_t number);
  void housekeep();

  Settings settings_;
  auth::Client auth_;
  ipc::AnvilClient anvil_;
  io::Stream spawner_;
  event::Semaphore spawner_turn_{1};   // for an order
  std::int64_t next_process_ = 1;
  std::uint64_t last_session_ = 0;
  std::multimap<mailbox::Identity, std::shared_ptr<Process>> processes_;
  std::size_t sessions_ = 0;
};

}  // namespace owner
