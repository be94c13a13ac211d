#pragma once
// One file of maildrop/: opened once, judged by what was opened, and copied to cleanup(8).

#include <chrono>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/queue/message_stream.h"

namespace pickup {

// What Received: and the log say.
struct Identity {
  std::string myhostname, mail_name;
  uid_t mail_owner;  // whose files are trusted: messages that postsuper(1) has put back
  std::string content_filter;
  std::size_t line_length_limit;  // bytes in a record of all others
};

class MessageFile {
 public:
  // Opens maildrop/NAME. Error ENOENT: it has gone. Error EAGAIN: it is not complete, or nothing that pickup takes; leave it.
  static Result<MessageFile> open(const std::string& name);

  [[nodiscard]] uid_t owner() const { return owner_; }
  [[nodiscard]] Stamp modified() const { return modified_; }

  // What sendmail -O asked for, or what a message that has been in the queue was sent under: smtputf8_requested, tls_required.
  [[nodiscard]] int send_options() const { return send_options_; }

  // Why a copy ended. `malformed`: the file can never become a message.
  enum class Outcome { copied, malformed, stream_lost };
  // Sends the message up to, and without, its E record. Logs "QID: uid=N from=<sender>", and for a
  // message that was in the queue before " orig_id=ID".
  [[nodiscard]] Outcome copy(queue::MessageStream& stream, const Identity& identity, std::chrono::seconds timeout) const;

 private:
  class Copier;
  MessageFile(std::string name, Fd file, uid_t owner, Stamp modified, int send_options)
      : name_(std::move(name)), file_(std::move(file)), owner_(owner), modified_(modified), send_options_(send_options) {}

  std::string name_;
  Fd file_;
  uid_t owner_;
  Stamp modified_;
  int send_options_;
};

}  // namespace pickup
