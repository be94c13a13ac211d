#pragma once
// The restriction language: a list of names per stage of the session, read once at start, asked in order.
// One file here holds a family of restrictions; table.cc has a row for each name.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/client.h"
#include "smtpd/policy/verdict.h"

namespace smtpd::policy {

class Policy;

// Which list is being asked: smtpd_client_restrictions and so on.
enum class Stage { client, helo, sender, relay, recipient, data, end_of_data, etrn };

// What a restriction may look at. The views belong to the session and live during the question.
struct Subject {
  const Client& client;
  std::string_view helo;        // empty before HELO
  std::string_view sender;      // internal form
  std::string_view recipient;   // internal form; empty outside of relay and recipient
  std::string_view etrn_domain;
};

// One question: which list, about what, and whom to ask.
struct Question {
  Policy& policy;
  Stage stage;
  const Subject& subject;
};

// May park (tables, other programs).
using Check = Verdict (*)(const Question&);

enum class Guard { none, relay };  // relay: it keeps strangers from relaying

struct Row {
  std::string_view name;
  Check check;
  Guard guard;
};

// The row for a name (any case); null when there is none.
[[nodiscard]] const Row* find_row(std::string_view name);

// The enhanced status `dsn` in the class of the reply code, which the administrator may have chosen (RFC 2034 section 4).
[[nodiscard]] std::string dsn_for(int code, std::string_view dsn);
// "<alice@example.com>: Recipient address rejected: TEXT", with what this stage is about in front.
[[nodiscard]] Reply refusal(const Question& question, int code, std::string_view dsn, std::string_view text);
[[nodiscard]] inline Reply server_configuration_error() { return {451, "4.3.5 Server configuration error"}; }

// The families.
Verdict permit(const Question&);
Verdict reject(const Question&);
Verdict defer(const Question&);
Verdict permit_mynetworks(const Question&);
Verdict permit_sasl_authenticated(const Question&);
Verdict permit_auth_destination(const Question&);
Verdict reject_unauth_destination(const Question&);
Verdict defer_unauth_destination(const Question&);
Verdict reject_unlisted_recipient(const Question&);
Verdict reject_unlisted_sender(const Question&);

// One value of a parameter, read.
class Restrictions {
 public:
  // Never fails: what is not known or not built yet refuses when it is reached, with a server configuration error. Such
  // names are logged here, once.
  static Restrictions parse(std::string_view parameter, std::string_view value);

  // Refuses everyone: something that protects is set and not yet honoured.
  static Restrictions refusing();

  [[nodiscard]] bool empty() const { return items_.empty(); }
  // A relay guard stands where it can be reached.
  [[nodiscard]] bool guards_relay() const;

  struct Item {
    const Row* row;         // null: `name` cannot be asked
    std::string name;
    bool is_warning;        // after warn_if_reject: a refusal is only logged
  };
  [[nodiscard]] std::span<const Item> items() const { return items_; }

 private:
  std::vector<Item> items_;
};

}  // namespace smtpd::policy
