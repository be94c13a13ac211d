#include "commands/postqueue/requests.h"

#include "lib/io/socket.h"
#include "lib/io/stream.h"
#include "lib/ipc/messages/qmgr.h"

namespace postqueue {
namespace {

constexpr std::chrono::seconds request_limit{10};

Result<void> send(const std::string& queue_directory, std::string_view bytes) {
  const Deadline deadline = base::after(request_limit);
  io::Stream stream(TRY(io::connect_unix(queue_directory + "/" + std::string(ipc::qmgr_socket), deadline)));
  stream.write(bytes, deadline);
  if (stream.flush(deadline) != io::End::ok) return base::fail("the queue manager does not listen");
  return {};
}

}  // namespace

Result<void> flush_all(const std::string& queue_directory) {
  constexpr char triggers[] = {static_cast<char>(ipc::QmgrTrigger::flush_dead), static_cast<char>(ipc::QmgrTrigger::scan_deferred),
                               static_cast<char>(ipc::QmgrTrigger::scan_all)};
  return send(queue_directory, std::string_view(triggers, sizeof triggers));
}

Result<void> try_now(const std::string& queue_directory, const queue::QueueId& id) {
  return send(queue_directory, static_cast<char>(ipc::QmgrTrigger::try_now) + id.text() + '\0');
}

}  // namespace postqueue
