#pragma once
// What is allowed: the restriction lists of one service, and the tables and programs that they ask.

#include <string>
#include <string_view>

#include "lib/ipc/addresses.h"
#include "lib/maps/table.h"
#include "smtpd/policy/recently_listed.h"
#include "smtpd/policy/restriction.h"
#include "smtpd/smtpd_params.h"

namespace smtpd::policy {

// Opened before the chroot.
struct Tables {
  maps::MatchList mynetworks;
  maps::Maps local_recipients, virtual_aliases, virtual_mailboxes, relay_recipients;
  maps::Maps canonical, sender_canonical, recipient_canonical;
  static Result<Tables> open(maps::Tables& tables, const Params& params);
};

// The lists of all stages.
struct Lists {
  bool checks_recipients = true;   // unless no_unknown_recipient_checks in receive_override_options
  Restrictions client, helo, sender, relay, recipient, data, end_of_data, etrn;
  // The error: nothing in them keeps strangers from relaying, and the server must not start.
  static Result<Lists> parse(const Params& params);
};

// Where a verdict that is only a warning goes: the log.
class WarningLog {
 public:
  WarningLog() = default;
  WarningLog(const WarningLog&) = delete;
  WarningLog& operator=(const WarningLog&) = delete;
  virtual ~WarningLog() = default;
  virtual void reject_warning(const Reply& reply) = 0;
};

class Policy {
 public:
  Policy(const Params& params, const Tables& tables, const Lists& lists, ipc::Addresses& addresses, RecentlyListed& listed)
      : params_(params), tables_(tables), lists_(lists), addresses_(addresses), listed_(listed) {}

  // One list. permit only ends it: what is asked next is the caller's order.
  [[nodiscard]] Verdict ask(Stage stage, const Subject& subject, WarningLog& warnings);

  // The sender, where smtpd_delay_reject does not put it off.
  [[nodiscard]] Verdict sender(const Subject& subject, WarningLog& warnings);

  // Everything about one recipient, in the order that Postfix has (SMTPD_ACCESS_README): with smtpd_delay_reject the
  // lists for client, helo and sender first, then relay and recipient, at last whether he exists.
  [[nodiscard]] Verdict recipient(const Subject& subject, WarningLog& warnings);

  // ETRN is asked as RCPT is.
  [[nodiscard]] Verdict etrn(const Subject& subject, WarningLog& warnings);

  // For the restrictions.
  [[nodiscard]] const Params& params() const { return params_; }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] Result<ipc::AddressAnswer> resolve(std::string_view sender, std::string_view recipient) {
    return addresses_.resolve(sender, recipient);
  }
  // By the whole address, without its extension, and by the local part alone where the domain is local.
  [[nodiscard]] Result<maps::Found> find_address(const maps::Maps& maps, std::string_view address, bool is_local) const;
  [[nodiscard]] RecentlyListed& recently_listed() { return listed_; }
  // "451 4.3.0 <x>: Temporary lookup failure"; the cause is logged here.
  [[nodiscard]] Verdict lookup_failed(const Question& question, const base::Error& error) const;
  [[nodiscard]] Reply temporary_failure(const Question& question) const;

 private:
  [[nodiscard]] const Restrictions& list(Stage stage) const;
  [[nodiscard]] Verdict delayed(const Subject& subject, WarningLog& warnings);
  [[nodiscard]] Verdict unlisted_sender(const Subject& subject);

  const Params& params_;
  const Tables& tables_;
  const Lists& lists_;
  ipc::Addresses& addresses_;
  RecentlyListed& listed_;
};

}  // namespace smtpd::policy
