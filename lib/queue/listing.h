#pragma once
// What people see of a queued message (mailq, postqueue -j), and how showq(8) says it: Postfix's own encoding, since
// exporters read the socket raw. "protocol mail_queue_list_protocol", then for each message
//
//   queue_name queue_id time size forced_expire sender (recipient reason?)*
//
// as name NUL value NUL, an empty name after each message, and one more after the last.

#include <optional>
#include <string>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/io/stream.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"

namespace queue {

struct ListedRecipient {
  std::string address;  // external form
  std::string reason;   // why it waits, or empty
};

struct Listed {
  std::string queue_name;   // maildrop, active, incoming, deferred, hold
  std::string id;
  std::int64_t time = 0;    // seconds since the epoch
  std::int64_t size = 0;    // bytes
  bool forced_expire = false;
  std::string sender;       // external form; "MAILER-DAEMON" for the null sender
  std::vector<ListedRecipient> recipients;   // those still to deliver, and the address that a REDIRECT made of them
};

inline constexpr std::string_view listing_protocol = "mail_queue_list_protocol";
inline constexpr std::size_t listed_recipients_limit = 20'000;   // of one message; more are not shown

// The queues that are shown, in this order.
inline constexpr Queue listed_queues[] = {Queue::maildrop, Queue::active, Queue::incoming, Queue::deferred, Queue::hold};

// None when the message has gone meanwhile, or is not complete.
[[nodiscard]] std::optional<Listed> read_listed(const Layout& layout, Queue queue, const QueueId& id);

// Names of files in a queue that are message ids.
[[nodiscard]] std::vector<QueueId> list_ids(const Layout& layout, Queue queue);

void encode_listing_start(std::string& out);
void encode(std::string& out, const Listed& message);
void encode_listing_end(std::string& out);

// Reads a listing: start, then next() until there is none.
[[nodiscard]] Result<void> read_listing_start(io::Stream& stream, Deadline deadline);
[[nodiscard]] Result<std::optional<Listed>> read_listing_next(io::Stream& stream, Deadline deadline);

}  // namespace queue
