#pragma once
// What the tables say of a recipient: where his mailbox is, and whose.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/mail/address.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/maps/table.h"

namespace virtual_agent {

struct Mailbox {
  std::string path;             // below virtual_mailbox_base, without a '/' in front
  bool is_maildir;              // the table's value ended with '/'
  mailbox::Identity owner;
};

struct Tables {
  maps::Maps mailboxes, uids, gids;
  mail::Delimiters delimiters;
  long minimum_uid;
};

// Why there is no mailbox to deliver to.
enum class Refusal {
  unknown,   // there is no such user
  failure,   // a table could not be read: try again later
  settings,  // the tables say what cannot be: try again when somebody has corrected them
};
struct Refused {
  Refusal refusal;
  std::string warning;  // for the log; empty for unknown users
};

// user+extension@domain, user@domain, then @domain, in each of the three tables.
[[nodiscard]] std::expected<Mailbox, Refused> find_mailbox(const Tables& tables, std::string_view recipient);

}  // namespace virtual_agent
