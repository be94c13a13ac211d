#pragma once
// What is allowed: the restriction lists of one service, and the tables and programs that they ask.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dns/resolver.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/verify.h"
#include "lib/maps/table.h"
#include "smtpd/policy/asking.h"
#include "smtpd/policy/recently_listed.h"
#include "smtpd/policy/restriction.h"
#include "smtpd/smtpd_params.h"

namespace config {
class Main;
}

namespace smtpd::policy {

// Opened before the chroot.
struct Tables {
  maps::MatchList mynetworks, mx_backup_networks;
  maps::MatchList logged_permissions;             // smtpd_log_access_permit_actions
  maps::Maps local_recipients, virtual_aliases, virtual_mailboxes, relay_recipients;
  maps::Maps canonical, sender_canonical, recipient_canonical;
  maps::Maps sender_logins, rbl_replies, relay_clientcerts;
  std::vector<io::Address> own_addresses;         // inet_interfaces
  std::vector<io::Address> reachable_addresses;   // those, and proxy_interfaces
  std::unique_ptr<dns::Resolver> resolver;
  static Result<Tables> open(maps::Tables& tables, const config::Main& main, const Params& params);
};

// The lists of all stages.
struct Lists {
  bool checks_recipients = true;   // unless no_unknown_recipient_checks in receive_override_options
  bool offers_sasl = false, asks_certificates = false;
  bool wants_raw_keys = false;          // smtpd_tls_enable_rpk
  bool access_parents_match = true;     // parent_domain_matches_subdomains has smtpd_access_maps
  Asking::Tempfail unknown_address_tempfail = Asking::Tempfail::defer_if_permit;
  Asking::Tempfail unknown_helo_tempfail = Asking::Tempfail::defer_if_permit;
  Asking::Tempfail unverified_sender_tempfail = Asking::Tempfail::defer_if_permit;
  Asking::Tempfail unverified_recipient_tempfail = Asking::Tempfail::defer_if_permit;
  Restrictions client, helo, sender, relay, recipient, data, end_of_data, etrn;
  std::set<std::string, std::less<>> class_names;                 // smtpd_restriction_classes
  std::map<std::string, Restrictions, std::less<>> classes;

  // The error: nothing in them keeps strangers from relaying, or a class that there is not; the server must not start.
  static Result<Lists> parse(const config::Main& main, const Params& params, maps::Tables& tables);

  [[nodiscard]] const Restrictions* find_class(std::string_view name) const {
    const auto found = classes.find(name);
    return found == classes.end() ? nullptr : &found->second;
  }
  // A relay guard stands where it can be reached.
  [[nodiscard]] bool guards_relay(const Restrictions& list, int depth = 0) const;
};

class Policy {
 public:
  Policy(const Params& params, const Tables& tables, const Lists& lists, ipc::Connections& services, ipc::Addresses& addresses,
         RecentlyListed& listed)
      : params_(params), tables_(tables), lists_(lists), services_(services), addresses_(addresses), listed_(listed) {}

  // One list. permit only ends it: what is asked next is the caller's order.
  [[nodiscard]] Verdict ask(Stage stage, const Subject& subject, Asker& asker);

  // The sender, where smtpd_delay_reject does not put it off.
  [[nodiscard]] Verdict sender(const Subject& subject, Asker& asker);

  // Everything about one recipient, in the order that Postfix has (SMTPD_ACCESS_README): with smtpd_delay_reject the
  // lists for client, helo and sender first, then relay and recipient, at last whether he exists.
  [[nodiscard]] Verdict recipient(const Subject& subject, Asker& asker);

  // ETRN is asked as RCPT is.
  [[nodiscard]] Verdict etrn(const Subject& subject, Asker& asker);

  // For the restrictions.
  [[nodiscard]] const Params& params() const { return params_; }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] const Lists& lists() const { return lists_; }
  [[nodiscard]] bool parents_match() const { return lists_.access_parents_match; }
  // The result of a table as a list: classes, but no tables.
  [[nodiscard]] Restrictions parse(std::string_view value) const;
  // What has no full domain is completed as an address of ours is.
  [[nodiscard]] Result<ipc::AddressAnswer> resolve(std::string_view sender, std::string_view recipient);
  // What verify(8) knows of an address.
  [[nodiscard]] Result<ipc::VerifyAnswer> verify(std::string_view address);
  // By the whole address, without its extension, and by the local part alone where the domain is local.
  [[nodiscard]] Result<maps::Found> find_address(const maps::Maps& maps, std::string_view address, bool is_local) const;
  [[nodiscard]] RecentlyListed& recently_listed() { return listed_; }
  // "451 4.3.0 <x>: Temporary lookup failure"; the cause is logged here.
  [[nodiscard]] Verdict lookup_failed(const Question& question, const base::Error& error) const;
  [[nodiscard]] Reply temporary_failure(const Question& question) const;

  // The DNS, within the time that a client is kept waiting for it.
  [[nodiscard]] dns::Answer<dns::Mx> mail_servers(std::string_view name) const;
  [[nodiscard]] dns::Answer<std::string> name_servers(std::string_view name) const;
  [[nodiscard]] dns::Answer<io::Address> addresses(std::string_view name) const;        // of both families
  [[nodiscard]] dns::Answer<io::Address> host_addresses(std::string_view name) const;   // that are of use here
  [[nodiscard]] dns::Answer<io::Address> list_addresses(std::string_view name) const;   // what a DNS list answers
  [[nodiscard]] dns::Answer<std::string> texts(std::string_view name) const;

 private:
  [[nodiscard]] const Restrictions& list(Stage stage) const;
  [[nodiscard]] Verdict asked(Stage stage, const Subject& subject, Asker& asker, Doubts& doubts);
  [[nodiscard]] Verdict delayed(const Subject& subject, Asker& asker, Doubts& doubts);
  // Whoever answers a probe, or probes its sender in turn, is not kept out.
  [[nodiscard]] bool is_probe_sender(std::string_view address);
  [[nodiscard]] Verdict unlisted_sender(const Subject& subject, Asker& asker, Doubts& doubts);

  const Params& params_;
  const Tables& tables_;
  const Lists& lists_;
  ipc::Connections& services_;
  ipc::Addresses& addresses_;
  RecentlyListed& listed_;
  // What was in doubt when the client, his HELO and the sender were asked about, where smtpd_delay_reject does not put that
  // off: a recipient is not taken then.
  std::optional<Reply> client_doubt_, helo_doubt_, sender_doubt_;
};

}  // namespace smtpd::policy
