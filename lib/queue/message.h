#pragma once
// A queue file's envelope, parsed. What a file says is not trusted: a file that does not parse is an Error, and its
// reader moves it to corrupt/ (set_aside).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/queue/layout.h"

namespace queue {

// Seconds since 1970 (the year 2242): a later time in a record is damage, and a Stamp holds little more.
inline constexpr std::int64_t time_limit = std::int64_t{1} << 33;

inline constexpr std::size_t attribute_limit = 10'000;  // attributes of one message that do not belong to a recipient

enum class RecipientState {
  todo,
  done,       // delivered, bounced or discarded: D in place of R
  cancelled,  // removed by a milter: '/' in place of R
};

struct Recipient {
  std::int64_t offset = 0;    // of its R record: where the done mark goes
  std::string address;        // internal form
  std::string original;       // O record: as first received; often the same
  std::string dsn_original;   // ORCPT, decoded: "rfc822;user@example.com"; empty without
  int notify = 0;             // NOTIFY bits: 1 never, 2 success, 4 failure, 8 delay; 0 not given
  RecipientState state = RecipientState::todo;
};

// Bits of Message::send_options.
constexpr int smtputf8_requested = 1, smtputf8_header = 2, smtputf8_sender = 4;
constexpr int tls_optional = 16, tls_required = 32;   // RFC 8689: "TLS-Required: no"; REQUIRETLS

struct Message {
  // C record. Zero in maildrop files, which have none.
  std::int64_t content_size = 0;    // bytes of records from the first of the content to the X record: the message's size in logs
  std::int64_t data_offset = 0;     // of the first content record; found even where there is no C record
  std::int64_t recipient_count = 0; // as cleanup counted them
  int queue_flags = 0;              // the NOTIFY bits of all recipients, shifted by one
  std::int64_t data_size = 0;       // bytes of content records
  int send_options = 0;             // bits, see above

  Stamp arrived{};                  // T record
  std::optional<Stamp> created;     // create_time attribute
  std::string sender;               // internal form; empty for the null sender
  std::string fullname;             // F record
  std::string encoding;             // "7bit", "8bit" or empty
  std::string filter;               // content filter, "transport:destination", or empty
  std::string redirect;             // REDIRECT action: the one recipient that replaces all, or empty
  std::string verp;                 // VERP delimiters, or empty
  std::string dsn_envid;            // ENVID, or empty
  int dsn_ret = 0;                  // mail::ret
  std::int64_t warn_offset = 0;     // of the W record, 0 without
  std::optional<Stamp> warn_time;   // when a delay notice is due; none when there is no W record or it has been sent
  int trace_flags = 0;              // trace_flags attribute: what sendmail -v or -bv asked for
  std::int64_t trace_offset = 0;    // of its record, for kill_record()
  std::vector<std::pair<std::string, std::string>> attributes;  // all that do not belong to a recipient, in order

  std::vector<Recipient> recipients;
  // Where read_recipients() goes on; 0 when `recipients` holds all.
  std::int64_t more_recipients = 0;

  // The value of the last attribute of this name, or empty.
  [[nodiscard]] std::string_view attribute(std::string_view name) const;
};

// Bits of trace_flags, as Postfix writes them.
inline constexpr int trace_probe = 256;    // of verify(8): do not deliver, tell verify what would happen
inline constexpr int trace_verify = 512;   // sendmail -bv: do not deliver, report what would happen
inline constexpr int trace_record = 1024;  // sendmail -v: deliver, and report the first attempt

// Which recipients are wanted.
enum class Wanted { todo, all };

// Reads the whole envelope, the part after the content too (over which it jumps), but keeps no more than
// `recipient_limit` recipients.
[[nodiscard]] Result<Message> read_message(int fd, Wanted wanted, std::size_t recipient_limit);

// The next recipients of a message, from where the last batch ended.
struct RecipientBatch {
  std::vector<Recipient> recipients;
  std::int64_t more = 0;
};
[[nodiscard]] Result<RecipientBatch> read_recipients(int fd, std::int64_t from, Wanted wanted, std::size_t limit);

// Marks a recipient as done: one byte. Error when there is no recipient at this offset.
[[nodiscard]] Result<void> mark_done(int fd, std::int64_t offset);

// The delay notice has been sent: the time in the W record becomes -1.
[[nodiscard]] Result<void> clear_warn_time(int fd, std::int64_t warn_offset);

// Makes a record mean nothing (K): trace_flags after the first attempt, which is the only one that is reported.
[[nodiscard]] Result<void> kill_record(int fd, std::int64_t offset);

// A file that does not parse goes to corrupt/ with its bytes as they are, for people to look at.
[[nodiscard]] Result<void> set_aside(const Layout& layout, Queue queue, const QueueId& id);

}  // namespace queue
