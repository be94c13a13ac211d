#pragma once
// "* LIST (..) separator name", which LIST and LSUB say, and SELECT in IMAP4rev2.

#include <string>
#include <string_view>
#include <vector>

#include "imapd/session.h"
#include "lib/imap/list_arguments.h"

namespace imapd {

// A mailbox as it is told.
struct Told {
  store::Listed listed;
  std::string name;              // the client's
  bool exists = true;            // else only a subscription has the name
  bool child_subscribed = false; // CHILDINFO (RFC 5258 section 3.5)
};

// Everything that may be told, by name: mailboxes, and names that are only subscribed.
[[nodiscard]] Result<std::vector<Told>> all_told(Session& session, bool with_subscriptions);

// `command`: LIST or LSUB.
void append_told(std::string& out, Session& session, const Told& told, const imap::ListArguments& wanted, std::string_view command);

// Of a mailbox by the store's name, as LIST would without options (RFC 9051 section 6.3.2).
[[nodiscard]] Result<void> append_list_of(std::string& out, Session& session, std::string_view name);

}  // namespace imapd
