#pragma once
// NOTIFY (RFC 5465): what a client wants to hear of without asking. Of the selected mailbox its View knows what is new; of the others
// this finds out, from the kernel where that tells, else by looking now and then.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/view.h"
#include "lib/base/deadline.h"
#include "lib/imap/notify_arguments.h"
#include "lib/store/account.h"
#include "lib/store/account_watch.h"

namespace imapd {

class Session;

// When news of the selected mailbox may be told.
enum class Occasion {
  waiting,   // between commands
  idling,    // in IDLE
  asked,     // at the end of a command
  changing,  // at the end of one that changes messages: its effects are told whatever was asked for
};

class Notifier {
 public:
  // NOTIFY NONE has no groups.
  Notifier(Session& session, imap::NotifyArguments wanted);

  // Finds out what there is, and watches it. The error: EOVERFLOW for more than imapd_notify_mailboxes_limit.
  [[nodiscard]] Result<void> begin();
  // The state of the mailboxes (NOTIFY SET STATUS).
  void tell_states();

  // What of the selected mailbox is told now.
  [[nodiscard]] View::Telling allowed(View::Telling what, Occasion occasion) const;
  // The client has just been told of new messages in it, from this number on: what he wants to know of them.
  void fetch_new(std::uint32_t first_new);

  // For who waits: readable when others have changed, or -1; and when it is time to look again.
  [[nodiscard]] int fd() const { return watch_.fd(); }
  [[nodiscard]] Deadline due() const { return due_; }
  // What has changed in the other mailboxes.
  void tell();

 private:
  // Of a mailbox, by all groups that it is in.
  struct Wanted {
    bool messages = false, flags = false, name = false, subscription = false;
    [[nodiscard]] bool any() const { return messages || flags || name || subscription; }
  };
  // As the client has been told, or as it was when he asked.
  struct Known {
    Wanted wanted;
    bool is_subscribed = false;
    bool no_inferiors = false;
    bool is_told = false;   // its UIDVALIDITY
    store::Status status;
    store::Account::Mark mark;
  };
  using Mailboxes = std::map<std::string, Known, std::less<>>;   // by the store's name

  // What is there, and which of it is wanted.
  struct Tree {
    Mailboxes mailboxes;
    std::set<std::string> subscriptions;   // that are wanted
    std::vector<std::string> names;        // in whose directories others may come, as far as these are watched
  };

  [[nodiscard]] Wanted wanted_of(std::string_view name, bool is_subscribed) const;
  [[nodiscard]] bool is_in(const imap::NotifyGroup& group, std::string_view name, bool is_subscribed) const;
  [[nodiscard]] bool wants_others() const;
  [[nodiscard]] Result<Tree> read_tree() const;
  [[nodiscard]] bool is_selected(std::string_view name) const;
  void watch(const Tree& tree);
  void look_at(Known& known, const std::string& name);
  void look_at_tree();
  void begin_list(std::string& out, std::string_view name, std::string_view attribute, std::string_view other = {}) const;
  void tell_names(std::string& out, const Tree& now);
  void tell_subscriptions(std::string& out, const Tree& now);
  void look_at_mailbox(std::string& out, const std::string& name, Known& known);
  void follow_selection();
  void overflow();

  Session& session_;
  imap::NotifyArguments wanted_;
  const imap::NotifyGroup* selected_ = nullptr;   // of wanted_
  std::vector<std::vector<std::string>> names_;   // of each group, as the store has them
  bool wants_modseq_ = false;                     // with every state, as the client has got it first

  store::AccountWatch watch_;
  Mailboxes known_;
  std::set<std::string> subscriptions_;
  std::string selected_name_;                     // at the last look
  // To be looked at.
  bool is_tree_due_ = false, is_all_due_ = false;
  std::set<std::string> mailboxes_due_;
  Deadline due_ = base::no_deadline;
  Deadline look_at_all_ = base::no_deadline;      // whatever the kernel has told
};

}  // namespace imapd
