#pragma once
// The arguments of NOTIFY (RFC 5465).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/fetch_items.h"

namespace imap {

inline constexpr std::size_t notify_groups_limit = 100;
inline constexpr std::size_t notify_mailboxes_limit = 1000;   // of all groups

struct NotifyEvents {
  bool message_new = false, message_expunge = false, flag_change = false, annotation_change = false;
  bool mailbox_name = false, subscription_change = false;
  // Known, but without a server that has them: NO [BADEVENT ..]; with annotation_change.
  bool mailbox_metadata_change = false, server_metadata_change = false;
  std::optional<FetchItems> fetch;      // what MessageNew in the selected mailbox tells
};

struct NotifyGroup {
  enum class Filter : std::uint8_t { selected, selected_delayed, inboxes, personal, subscribed, subtree, mailboxes };
  Filter filter = Filter::selected;
  std::vector<std::string> mailboxes;   // of subtree and mailboxes, as written
  NotifyEvents events;                  // all false for NONE
};

// Message events come as RFC 5465 section 5 wants them: MessageNew and MessageExpunge only together, the others only with both;
// at most one group is for the selected mailbox.
struct NotifyArguments {
  bool is_none = false;                 // NOTIFY NONE: nothing more is told
  bool wants_status = false;            // NOTIFY SET STATUS: first the state of the mailboxes
  std::vector<NotifyGroup> groups;

  // Fails with the words for BAD.
  static Result<NotifyArguments> parse(Values values);
};

}  // namespace imap
