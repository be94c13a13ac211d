#include "lib/queue/message_stream.h"

#include <cerrno>

namespace queue {

Result<MessageStream> MessageStream::open(ipc::Connections& services, ipc::CleanupFlags flags, Deadline deadline,
                                          std::string_view socket) {
  for (int made = 0;;) {
    ipc::Connections::Connection connection = TRY(services.take(socket, deadline));
    if (!connection.reused) ++made;
    ipc::send(connection.stream, ipc::OpenMessage{flags}, deadline);
    auto opened = ipc::receive<ipc::MessageOpened>(connection.stream, deadline);
    if (!opened) {
      // A connection may have ended with the cleanup process that had it.
      if (made < ipc::new_connections_limit && std::chrono::steady_clock::now() < deadline) continue;
      return base::Failure(std::move(opened).error().within(socket));
    }
    if (opened->queue_id.empty()) {
      services.keep(socket, std::move(connection));
      return base::fail(opened->reason, ENOSPC);
    }
    return MessageStream(services, std::string(socket), std::move(connection), std::move(opened->queue_id));
  }
}

bool MessageStream::add(RecordType type, std::string_view data, Deadline deadline) {
  return write_record(connection_.stream, type, data, deadline);
}

bool MessageStream::add_attribute(std::string_view name, std::string_view value, Deadline deadline) {
  scratch_ = name;
  scratch_ += '=';
  scratch_ += value;
  return add(RecordType::attribute, scratch_, deadline);
}

bool MessageStream::add_line(std::string_view line, std::size_t line_length_limit, Deadline deadline) {
  while (line.size() > line_length_limit) {
    if (!add(RecordType::continued, line.substr(0, line_length_limit), deadline)) return false;
    line.remove_prefix(line_length_limit);
  }
  return add(RecordType::normal, line, deadline);
}

Result<ipc::MessageClosed> MessageStream::finish(Deadline deadline) {
  add(RecordType::end, {}, deadline);
  auto closed = ipc::receive<ipc::MessageClosed>(connection_.stream, deadline);
  if (!closed) return lost_outcome(std::move(closed).error().within(socket_));
  services_->keep(socket_, std::move(connection_));
  return std::move(*closed);
}

Result<ipc::MessageClosed> MessageStream::lost_outcome(base::Error error) {
  auto answer = services_->ask_at<ipc::AskLostOutcome>(socket_, {.flags = ipc::CleanupFlags::none, .lost_id = queue_id_});
  if (answer && answer->status == ipc::CleanupStatus::ok) return answer;
  return base::Failure(std::move(error));
}

}  // namespace queue
