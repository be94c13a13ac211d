#pragma once
// The logs beside a message: bounce/ID (recipients that failed), defer/ID (that wait, and why), trace/ID (what is to be
// reported to the sender). Text, a paragraph for each recipient: mostly the line "<address>: reason", then name=value lines.
// Addresses stand there in external form, and are internal in RecipientStatus. Only bounce(8) writes the logs; showq and
// others read.

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/queue/layout.h"

namespace queue {

// Whether an appended record must be on disk before append_status() returns.
enum class Durability {
  none,  // defer: the recipient stays in the queue file, and the log only says why
  disk,  // bounce, trace: the recipient is marked done next, and this is the last trace of it
};

// Whether a paragraph begins with the line that Postfix before 2.0 reads (backwards_bounce_logfile_compatibility).
enum class OldLine { no, yes };

// Adds one recipient, under the file's lock. What was written is cut off again when it cannot be completed.
[[nodiscard]] Result<void> append_status(const Layout& layout, Queue log, const QueueId& id,
                                         const ipc::RecipientStatus& status, Durability durability,
                                         OldLine old_line = OldLine::yes);

// Text that has no line breaks and control characters, as the log has it.
[[nodiscard]] std::string status_text(const ipc::RecipientStatus& status, OldLine old_line = OldLine::yes);

// Reads the recipients of a log in order.
class LogReader {
 public:
  // None when there is no such log.
  [[nodiscard]] static Result<std::optional<LogReader>> open(const Layout& layout, Queue log, const QueueId& id);
  explicit LogReader(Fd file) : file_(std::move(file)) {}

  // None at the end. Paragraphs that say nothing of a recipient (torn, damaged) are passed over; an entry that has only
  // the old line is understood. Error when the file cannot be read.
  [[nodiscard]] Result<std::optional<ipc::RecipientStatus>> next();

 private:
  [[nodiscard]] Result<std::optional<std::string>> line();

  Fd file_;
  std::int64_t offset_ = 0;
  std::string buffer_;
  std::size_t at_ = 0;
  bool eof_ = false;
};

}  // namespace queue
