#include "lib/delivery/passing.h"

#include <utility>

#include <fcntl.h>

#include "lib/log/log.h"
#include "lib/mail/logged_address.h"

namespace delivery {
namespace {

constexpr std::chrono::seconds connect_limit{5};

// All of it but the file.
ipc::DeliveryRequest copy(const ipc::DeliveryRequest& request) {
  ipc::DeliveryRequest out;
  const auto copy_field = [&](const auto& field) {
    auto& to = out.*field.member;
    if constexpr (std::is_copy_assignable_v<std::remove_reference_t<decltype(to)>>) to = request.*field.member;
  };
  std::apply([&](const auto&... field) { (copy_field(field), ...); }, ipc::DeliveryRequest::fields);
  return out;
}

Result<ipc::DeliveryAnswer> ask(ipc::Connections& services, const std::string& socket, const ipc::DeliveryRequest& request) {
  const Deadline deadline = base::after(ipc::Deliver::timeout);
  for (;;) {
    auto connection = TRY(services.take(socket, base::after(connect_limit)));
    ipc::send(connection.stream, request, deadline);
    if (connection.stream.flush(deadline) != io::End::ok) {
      if (connection.reused) continue;  // it was closed while at rest
      return base::fail("connection to " + socket + " lost");
    }
    auto answer = ipc::receive<ipc::DeliveryAnswer>(connection.stream, deadline);
    if (answer) services.keep(socket, std::move(connection));
    return answer;
  }
}

}  // namespace

Result<bool> pass_on(ipc::Connections& services, const ipc::DeliveryRequest& request, Passing passing) {
  const std::size_t colon = passing.to.find(':');
  const std::string transport = passing.to.substr(0, colon);
  const std::string nexthop = colon == std::string::npos ? "" : passing.to.substr(colon + 1);
  maillog::info("{}: passing <{}> to transport={}", request.queue_id, mail::logged_address(passing.recipient.address), transport);

  ipc::DeliveryRequest passed = copy(request);
  // The same description: its lock, by which others see that the message is under way, lasts until both agents are done.
  passed.file = Fd(::fcntl(request.file.get(), F_DUPFD_CLOEXEC, 0));
  if (!passed.file) return base::Failure(base::Error::system("queue file"));
  passed.transport = transport;
  passed.nexthop = nexthop.empty() ? passing.nexthop : nexthop;
  passed.sender = std::move(passing.sender);
  passed.recipients.assign(1, std::move(passing.recipient));
  // He may have come to more than this delivery, so that only the agent that qmgr asked can say when he is done.
  passed.recipients.front().offset = 0;
  const ipc::DeliveryAnswer answer = TRY(ask(services, "private/" + transport, passed));
  return answer.all_done;
}

}  // namespace delivery
