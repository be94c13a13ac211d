#pragma once
// The arguments of commands that change messages: STORE (RFC 7162 UNCHANGEDSINCE), COPY and MOVE, UID EXPUNGE.

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/flag_list.h"
#include "lib/imap/sequence_set.h"

namespace imap {

// Each fails with the words for BAD. Names of mailboxes are as they were written (decode_mailbox_name).
struct StoreArguments {
  enum class Operation : std::uint8_t { set, add, remove };
  SequenceSet set;
  Operation operation = Operation::set;
  bool is_silent = false;
  FlagList flags;
  std::optional<std::uint64_t> unchanged_since;
  static Result<StoreArguments> parse(Values values);
};

struct CopyArguments {
  SequenceSet set;
  std::string mailbox;
  static Result<CopyArguments> parse(Values values);
};

// The one sequence set of UID EXPUNGE.
Result<SequenceSet> parse_set_argument(Values values);

// RFC 7162: mod-sequence-value, 63 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_modseq(std::string_view text);

}  // namespace imap
