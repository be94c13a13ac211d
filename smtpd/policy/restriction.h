#pragma once
// The restriction language: a list of names per stage of the session, read once at start, asked in order.
// One file here holds a family of restrictions; table.cc has a row for each name.

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/maps/table.h"
#include "smtpd/client.h"
#include "smtpd/policy/certificate_table.h"
#include "smtpd/policy/message_actions.h"
#include "lib/tls/facts.h"
#include "smtpd/policy/verdict.h"

namespace smtpd::policy {

class Asking;
class Policy;
class PolicyClient;
struct Question;

// Which list is being asked: smtpd_client_restrictions and so on.
enum class Stage { client, helo, sender, relay, recipient, data, end_of_data, etrn };

// What a restriction may look at. The views belong to the session and live during the question.
struct Subject {
  const Client& client;
  std::string_view where;       // as the log has it: "CONNECT", "RCPT", "END-OF-MESSAGE"
  std::string_view protocol;    // "SMTP", "ESMTP"
  std::string_view helo;        // empty before HELO
  bool has_sender = false;      // the sender may be the null one
  std::string_view sender;      // internal form
  std::string_view recipient;   // internal form; empty where it is not about one
  std::string_view etrn_domain;
  std::string_view server_address, server_port;
  std::string_view queue_id;    // empty before there is one
  std::size_t recipients = 0;   // that were taken
  std::uint64_t size = 0;       // as announced, or at the end as it is
  // Who has logged in; empty before. The sender is what MAIL's AUTH= says, as it stands there, believed or not.
  std::string_view sasl_method{}, sasl_username{}, sasl_sender{};
  std::string_view instance;    // the same for all questions about a message
  bool has_pipelined = false;   // sent a command before he might
  const tls::Facts* tls = nullptr;     // in plaintext: none
  MessageActions* message = nullptr;   // none outside of a transaction
  bool is_filtered = false;            // a filter in front of the queue gets it: no action of ours but PREPEND

  // Nothing is asked any more, then.
  [[nodiscard]] bool is_discarded() const { return message != nullptr && message->is_discarded; }
};

// What a reply is about: <name>: Recipient address rejected.
struct About {
  std::string_view name, what;
};

// May park (tables, other programs).
using Check = Verdict (*)(const Question&);

enum class Guard { none, relay };  // relay: it keeps strangers from relaying
enum class Argument { none, table, certificates, number, domain, service };

// What a permission is about, in the log: what the list is about, or whom the restriction looks at. By others: it does not
// permit, or what it has asked does.
enum class Permits { by_others, the_list, the_client, the_recipient };

struct Row {
  std::string_view name;
  Check check;
  Argument argument;
  Guard guard;
  Permits permits = Permits::by_others;
};

// The row for a name (any case); null when there is none.
[[nodiscard]] const Row* find_row(std::string_view name);

// One restriction of a list.
struct Item {
  const Row* row = nullptr;
  std::string name;           // as written
  std::string argument;       // of those that have one
  std::string flaw;           // why it cannot be asked: it refuses then, and this is logged
  std::shared_ptr<maps::Table> table;
  std::shared_ptr<PolicyClient> service;
  std::vector<CertificateKey> certificate_keys;   // of check_ccert_access: what its table is asked for, one after the other
  bool is_warning = false;    // after warn_if_reject: a refusal is only logged
};

// One value of a parameter, or of a table, read.
class Restrictions {
 public:
  // What the names may stand for. Without tables none may be named, as in a table's result.
  struct Names {
    maps::Tables* tables = nullptr;
    const std::set<std::string, std::less<>>* classes = nullptr;   // smtpd_restriction_classes
    std::shared_ptr<PolicyClient> (*make_service)(const void* context, std::string_view text) = nullptr;
    const void* context = nullptr;
  };
  // Never fails: what is not known refuses when it is reached, with a server configuration error.
  static Restrictions parse(std::string_view value, const Names& names);

  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::span<const Item> items() const { return items_; }

 private:
  std::vector<Item> items_;
};

// One question: which list, about what, and whom to ask.
struct Question {
  Policy& policy;
  Asking& asking;
  Stage stage;
  const Subject& subject;
  About about;
  const Item& item;
};

// What a list of this stage is about.
[[nodiscard]] About about(Stage stage, const Subject& subject);
// The same question about something else.
[[nodiscard]] Question with(const Question& question, About about);
[[nodiscard]] Question about_client(const Question& question);
[[nodiscard]] Question about_helo(const Question& question);
[[nodiscard]] Question about_sender(const Question& question);
[[nodiscard]] Question about_recipient(const Question& question);

// The enhanced status `dsn` in the class of the reply code, which the administrator may have chosen (RFC 2034 section 4).
[[nodiscard]] std::string dsn_for(int code, std::string_view dsn);
// "<alice@example.com>: Recipient address rejected: TEXT", with what the question is about in front.
[[nodiscard]] Reply refusal(const Question& question, int code, std::string_view dsn, std::string_view text);
[[nodiscard]] inline Reply server_configuration_error() { return {451, "4.3.5 Server configuration error"}; }

// The families.
Verdict ask_bare_table(const Question&);
Verdict ask_class(const Question&);
Verdict check_ccert_access(const Question&);
Verdict check_client_a_access(const Question&);
Verdict check_client_access(const Question&);
Verdict check_client_mx_access(const Question&);
Verdict check_client_ns_access(const Question&);
Verdict check_etrn_access(const Question&);
Verdict check_helo_a_access(const Question&);
Verdict check_helo_access(const Question&);
Verdict check_helo_mx_access(const Question&);
Verdict check_helo_ns_access(const Question&);
Verdict check_policy_service(const Question&);
Verdict check_recipient_a_access(const Question&);
Verdict check_recipient_access(const Question&);
Verdict check_recipient_mx_access(const Question&);
Verdict check_recipient_ns_access(const Question&);
Verdict check_reverse_client_hostname_a_access(const Question&);
Verdict check_reverse_client_hostname_access(const Question&);
Verdict check_reverse_client_hostname_mx_access(const Question&);
Verdict check_reverse_client_hostname_ns_access(const Question&);
Verdict check_sasl_access(const Question&);
Verdict check_sender_a_access(const Question&);
Verdict check_sender_access(const Question&);
Verdict check_sender_mx_access(const Question&);
Verdict check_sender_ns_access(const Question&);
Verdict defer(const Question&);
Verdict defer_if_permit(const Question&);
Verdict defer_if_reject(const Question&);
Verdict defer_unauth_destination(const Question&);
Verdict permit(const Question&);
Verdict permit_auth_destination(const Question&);
Verdict permit_dnswl_client(const Question&);
Verdict permit_inet_interfaces(const Question&);
Verdict permit_mx_backup(const Question&);
Verdict permit_mynetworks(const Question&);
Verdict permit_rhswl_client(const Question&);
Verdict permit_sasl_authenticated(const Question&);
Verdict permit_tls_all_clientcerts(const Question&);
Verdict permit_tls_clientcerts(const Question&);
Verdict reject(const Question&);
Verdict reject_authenticated_sender_login_mismatch(const Question&);
Verdict reject_invalid_helo_hostname(const Question&);
Verdict reject_known_sender_login_mismatch(const Question&);
Verdict reject_multi_recipient_bounce(const Question&);
Verdict reject_non_fqdn_helo_hostname(const Question&);
Verdict reject_non_fqdn_recipient(const Question&);
Verdict reject_non_fqdn_sender(const Question&);
Verdict reject_plaintext_session(const Question&);
Verdict reject_rbl_client(const Question&);
Verdict reject_rhsbl_client(const Question&);
Verdict reject_rhsbl_helo(const Question&);
Verdict reject_rhsbl_recipient(const Question&);
Verdict reject_rhsbl_reverse_client(const Question&);
Verdict reject_rhsbl_sender(const Question&);
Verdict reject_sender_login_mismatch(const Question&);
Verdict reject_unauth_destination(const Question&);
Verdict reject_unauth_pipelining(const Question&);
Verdict reject_unauthenticated_sender_login_mismatch(const Question&);
Verdict reject_unknown_client_hostname(const Question&);
Verdict reject_unknown_helo_hostname(const Question&);
Verdict reject_unknown_recipient_domain(const Question&);
Verdict reject_unknown_reverse_client_hostname(const Question&);
Verdict reject_unknown_sender_domain(const Question&);
Verdict reject_unlisted_recipient(const Question&);
Verdict reject_unlisted_sender(const Question&);
Verdict reject_unverified_recipient(const Question&);
Verdict reject_unverified_sender(const Question&);
Verdict sleep(const Question&);

}  // namespace smtpd::policy
