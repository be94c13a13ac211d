#pragma once
// The arguments of commands about whole mailboxes: SELECT, EXAMINE (RFC 7162 CONDSTORE, QRESYNC), CREATE (RFC 6154 USE), RENAME,
// STATUS. Names are as they were written (decode_mailbox_name). Each parse fails with the words for BAD.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/sequence_set.h"

namespace imap {

struct Qresync {
  std::uint32_t uid_validity = 0;
  std::uint64_t modseq = 0;
  std::optional<NumberSet> known_uids;
  // Message numbers and their UIDs, as the client knows them; equally many.
  struct Match { NumberSet numbers, uids; };
  std::optional<Match> match;
};

struct SelectArguments {
  std::string mailbox;
  bool condstore = false;
  std::optional<Qresync> qresync;
  static Result<SelectArguments> parse(Values values);
};

struct CreateArguments {
  std::string mailbox;
  std::vector<std::string> special_use;   // "\Sent", as written
  static Result<CreateArguments> parse(Values values);
};

struct RenameArguments {
  std::string from, to;
  static Result<RenameArguments> parse(Values values);
};

// DELETE, SUBSCRIBE, UNSUBSCRIBE, GETQUOTAROOT: one name.
Result<std::string> parse_mailbox_argument(Values values);

// Bits of StatusItems::bits, in the order of the response.
enum class StatusItem : std::uint8_t { messages, recent, uid_next, uid_validity, unseen, deleted, deleted_storage, size, highest_modseq, append_limit, mailbox_id, x_guid };
struct StatusItems {
  std::uint32_t bits = 0;
  [[nodiscard]] bool has(StatusItem item) const { return (bits >> static_cast<unsigned>(item) & 1) != 0; }
  void add(StatusItem item) { bits |= 1U << static_cast<unsigned>(item); }
  bool operator==(const StatusItems&) const = default;
  // The content of the list.
  static Result<StatusItems> parse(Values values);
};
[[nodiscard]] std::string_view status_item_name(StatusItem item);

struct StatusArguments {
  std::string mailbox;
  StatusItems items;
  static Result<StatusArguments> parse(Values values);
};

}  // namespace imap
