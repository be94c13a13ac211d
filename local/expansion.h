#pragma once
// One recipient of one message, from its address to the deliveries it comes to: aliases, :include: files, .forward files,
// then mailbox, other agents, commands, files, and new messages for addresses elsewhere. What each step does is in its own file:
// expansion.cc (order of the steps, addresses), alias.cc, forward_file.cc, mailbox.cc, item.cc (commands and files).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/delivery/delivered_to.h"
#include "lib/delivery/recorder.h"
#include "lib/mailbox/destinations.h"
#include "lib/process/account.h"
#include "local/agent.h"
#include "local/duplicates.h"
#include "local/forwarding.h"
#include "local/macros.h"

namespace local {

inline constexpr int nesting_limit = 100;             // aliases in aliases in .forward files ...
inline constexpr std::size_t expansion_limit = 50'000;  // items of one recipient, whatever they are

// The aliases that led to a step, the nearest first.
struct Ancestor {
  std::string alias;
  std::shared_ptr<const Ancestor> parent;
};

// How an address is to be delivered and what has become of the envelope on the way to it.
struct Step {
  ipc::DeliveryRecipient recipient;     // the address as it is now
  std::string sender;                   // the envelope sender; an owner- alias replaces it
  std::optional<std::string> owner;     // the owner that has: failures go to it
  std::string delivered_to;
  Origin origin = Origin::direct;
  Rights rights;                        // of commands and files
  std::string alias;                    // the alias that is being expanded
  std::shared_ptr<const Ancestor> ancestors;
  std::string forward_user;             // the user whose .forward is being expanded
  std::string unmatched_extension;      // that addresses of this expansion get, with its delimiter
  bool requeue = false;                 // addresses become a new message, local ones too
  bool from_luser = false;              // luser_relay has been used
  int level = 0;
};

// The parts of a local recipient. `user` and `extension` are in lower case.
struct Name {
  std::string local;                    // the whole local part, in lower case
  std::string user, extension, delimiter, domain;
  bool is_final = false;                // "\user": no aliases and .forward
};

class Expansion {
 public:
  // All are borrowed. `recipient` is one of the request's.
  Expansion(Agent& agent, const ipc::DeliveryRequest& request, delivery::Recorder& recorder,
            const ipc::DeliveryRecipient& recipient, const delivery::DeliveredTo& delivered_to);

  // Delivers. `deferred`: the recipient must come again, all of it.
  [[nodiscard]] delivery::Status run();

 private:
  // expansion.cc
  void deliver(Step step);
  void deliver_to_user(Step step, Name name);
  [[nodiscard]] Result<process::Account> find_account(const std::string& user);
  void unknown_user(const Step& step, const Name& name);
  void deliver_address(const Step& parent, std::string_view item);
  // The items are delivered when their turn comes, before what waits already: a list that is nested deeply takes no
  // deep stack.
  void deliver_later(Step parent, std::vector<std::string> items);
  void deliver_item(const Step& parent, const std::string& item);
  void forward(Step step);
  void submit_forwarded();
  [[nodiscard]] Name parse(const Step& step) const;
  [[nodiscard]] Macros macros(const Step& step, const Name& name, const process::Account* account) const;
  // alias.cc: false when the name is no alias, or it has been taken care of as one.
  [[nodiscard]] bool expand_alias(const Step& step, const Name& name);
  void expand_value(const Step& step, const Name& name, const std::string& alias, const AliasTable& table,
                    const std::string& value);
  [[nodiscard]] Result<maps::Found> look_up_alias(const std::string& name, const AliasTable** table) const;
  [[nodiscard]] bool set_owner(Step& step, const std::string& alias);
  // forward_file.cc
  [[nodiscard]] bool expand_forward(const Step& step, const Name& name, const process::Account& account);
  void include(const Step& parent, const std::string& path);
  // mailbox.cc
  static constexpr std::chrono::seconds write_patience{600};  // for a delivery to a file beside waiting for locks: a slow disk
  void deliver_to_mailbox(const Step& step, const Name& name, const process::Account& account);
  void deliver_to_spool(const Step& step, const process::Account& account);
  [[nodiscard]] mailbox::MboxTask mbox_task(const Step& step, const std::string& path, const mailbox::Identity& owner) const;
  // `biff_user` has his mailbox there, and is told of the new message; or it is empty.
  void run_mbox(const Step& step, mailbox::Identity who, mailbox::MboxTask task, std::string_view what, const std::string& failure,
                std::string_view biff_user);
  // `user` whose Maildir it is, or nobody's.
  void run_maildir(const Step& step, mailbox::Identity who, const std::string& path, std::string_view user);
  void no_quota_known(const Step& step, const base::Error& error);
  void conclude_maildir(const Step& step, const Result<mailbox::TaskOutcome>& answer);
  [[nodiscard]] Result<mailbox::MaildirTask> maildir_task(const Step& step, const std::string& path, std::string_view user) const;
  // Where the user's mail goes into a Maildir and nobody else has a say: what the worker that looks for a .forward does
  // when there is none.
  [[nodiscard]] bool is_maildir_user(const process::Account& account) const;
  [[nodiscard]] std::string mailbox_path(const process::Account& account) const;
  // passing.cc: false when there is no transport for this user.
  [[nodiscard]] bool passed_on(const Step& step, const Name& name, const Passing& passing);
  void pass_on(const Step& step, const std::string& to);
  // item.cc
  void run_command(const Step& step, const Rights& rights, const std::string& command);
  void deliver_to_file(const Step& step, const std::string& path);

  // Everything that ends goes through these.
  void report(const Step& step, delivery::Delivery delivery);
  void sent(const Step& step, std::string reason);
  void bounced(const Step& step, mail::Dsn dsn, std::string reason);
  void deferred(const Step& step, mail::Dsn dsn, std::string reason);
  // A worker's outcome; `prefix` stands before its reason.
  void conclude(const Step& step, const Result<mailbox::TaskOutcome>& answer, std::string success, std::string_view prefix);
  // The sender is told that the address was expanded, if he wants to know; those it is expanded to do not tell him again.
  void expanded(Step& step, bool has_new_owner);
  [[nodiscard]] mailbox::TaskMessage task_message(const Step& step, std::string_view context) const;

  Agent& agent_;
  const ipc::DeliveryRequest& request_;
  delivery::Recorder& recorder_;
  const ipc::DeliveryRecipient& top_;
  const delivery::DeliveredTo& message_delivered_to_;
  Duplicates duplicates_;
  Forwarding forwarding_;
  struct Pending {
    std::shared_ptr<const Step> parent;
    std::string item;
  };
  std::vector<Pending> pending_;         // the last is the next
  bool loop_reported_ = false;
  bool expansion_reported_ = false;
  bool is_expanded_ = false;
  std::size_t items_ = 0;
  bool is_deferred_ = false;
  bool is_bounced_ = false;
};

}  // namespace local
