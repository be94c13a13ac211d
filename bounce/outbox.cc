#include "bounce/outbox.h"

#include <fmt/format.h>

#include "lib/ipc/messages/bounce.h"
#include "lib/queue/message_stream.h"

namespace bounce {
namespace {

// "1795503956 691530", as T records have it.
std::string time_record(Stamp stamp) {
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(stamp.time_since_epoch()).count();
  return fmt::format("{} {}", usec / 1'000'000, usec % 1'000'000);
}

}  // namespace

Result<std::string> Outbox::send(std::string_view from, const Notice& notice, const Template& text,
                                 const Recipients& recipients) {
  using queue::RecordType;
  const Deadline deadline = base::after(ipc::Bounce::timeout);
  const Stamp now = clock_.stamp();
  ipc::CleanupFlags flags = ipc::CleanupFlags::internal | ipc::CleanupFlags::map;
  if (site_.is_filtered) flags = flags | ipc::CleanupFlags::filter | ipc::CleanupFlags::milters;
  if (notice.tls_required) flags = flags | ipc::CleanupFlags::tls_required;
  if (notice.smtputf8) flags = flags | ipc::CleanupFlags::smtputf8;
  queue::MessageStream message = TRY(queue::MessageStream::open(services_, flags, deadline, cleanup_socket_));
  message.add(RecordType::time, time_record(now), deadline);
  message.add_attribute("log_message_origin", "local", deadline);
  message.add_attribute("rewrite_context", "local", deadline);
  message.add(RecordType::sender, from, deadline);
  if (site_.smtputf8_enable || notice.encoding == "8bit") message.add_attribute("encoding", "8bit", deadline);
  message.add(RecordType::recipient, notice.to, deadline);
  message.add(RecordType::message_start, {}, deadline);
  const bool complete = TRY(compose(notice, site_, text, recipients, message.queue_id(), now,
                                    [&](const queue::ContentLine& line) {
                                      if (line.continued) return message.add(RecordType::continued, line.text, deadline);
                                      return message.add_line(line.text, line_length_limit_, deadline);
                                    }));
  if (!complete) return base::fail("lost connection with cleanup");
  message.add(RecordType::extracted, {}, deadline);
  const std::string id = message.queue_id();
  const ipc::MessageClosed closed = TRY(message.finish(deadline));
  if (closed.status != ipc::CleanupStatus::ok) {
    return base::fail(fmt::format("cleanup did not take the notice: status {} {}", static_cast<int>(closed.status), closed.reason));
  }
  return id;
}

}  // namespace bounce
