#pragma once
// The client's side of the conversation with cleanup(8) (lib/ipc/messages/cleanup.h): how smtpd, pickup, local and
// bounce put a message into the queue. The message is in the queue if, and only if, finish() says CleanupStatus::ok.

#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/queue/record.h"

namespace queue {

class MessageStream {
 public:
  // Asks for a new message. The deadline bounds this step. An error with code ENOSPC: the queue cannot be written now
  // (its text is cleanup's reason); any other error: cleanup is not there or broke the protocol.
  [[nodiscard]] static Result<MessageStream> open(ipc::Connections& services, ipc::CleanupFlags flags, Deadline deadline,
                                                  std::string_view socket = ipc::cleanup_socket);

  MessageStream(MessageStream&&) noexcept = default;
  MessageStream& operator=(MessageStream&&) noexcept = default;
  // A stream that was not finished closes its connection: cleanup drops the message.
  ~MessageStream() = default;

  [[nodiscard]] const std::string& queue_id() const { return queue_id_; }

  // For what a client says to cleanup beside records.
  [[nodiscard]] io::Stream& stream() { return connection_.stream; }

  // Adds a record. False when cleanup has gone away: it is sticky, and finish() will say so too, so a caller may leave
  // looking until then. A CleanupStatus that cleanup decides early (size, content) is only told by finish().
  bool add(RecordType type, std::string_view data, Deadline deadline);
  bool add_attribute(std::string_view name, std::string_view value, Deadline deadline);
  // A line of content of any length, without its line end: as N, or as L ... N in pieces of line_length_limit bytes.
  bool add_line(std::string_view line, std::size_t line_length_limit, Deadline deadline);

  // Ends the message (E record) and waits for the verdict. When cleanup dies before it has given one, its successor is
  // asked: what is on disk is not refused. After it the stream is spent.
  [[nodiscard]] Result<ipc::MessageClosed> finish(Deadline deadline);

 private:
  [[nodiscard]] Result<ipc::MessageClosed> lost_outcome(base::Error error);

  MessageStream(ipc::Connections& services, std::string socket, ipc::Connections::Connection connection, std::string id)
      : services_(&services), socket_(std::move(socket)), connection_(std::move(connection)), queue_id_(std::move(id)) {}

  ipc::Connections* services_;
  std::string socket_;
  ipc::Connections::Connection connection_;
  std::string queue_id_;
  std::string scratch_;
};

}  // namespace queue
