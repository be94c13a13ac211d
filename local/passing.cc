// mailbox_transport, fallback_transport and their maps: the recipient is passed on to another delivery agent.

#include <utility>

#include <fcntl.h>

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "local/expansion.h"

namespace local {
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

// What has reached an agent is not sent again: it may have been delivered.
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

bool Expansion::passed_on(const Step& step, const Name& name, const Passing& passing) {
  std::string to = passing.transport;
  if (!passing.maps.empty()) {
    const auto found = passing.maps.lookup(name.user);
    if (!found) {
      maillog::warning("{}: {}", request_.queue_id, found.error().message());
      deferred(step, {4, 3, 0}, fmt::format("{} lookup failure", passing.maps_parameter));
      return true;
    }
    if (*found) to = **found;
  }
  if (to.empty()) return false;
  // An alias may name a user twice.
  if (duplicates_.is_first("transport " + to, step.recipient.address)) pass_on(step, to);
  return true;
}

// The other agent logs the delivery and appends its failure to the bounce or defer log.
void Expansion::pass_on(const Step& step, const std::string& to) {
  const std::size_t colon = to.find(':');
  const std::string transport = to.substr(0, colon);
  const std::string nexthop = colon == std::string::npos ? "" : to.substr(colon + 1);
  maillog::info("{}: passing <{}> to transport={}", request_.queue_id, mail::to_external(step.recipient.address), transport);

  ipc::DeliveryRequest request = copy(request_);
  // A description of its own: its lock is its own.
  request.file = Fd(::open(fmt::format("/proc/self/fd/{}", request_.file.get()).c_str(), O_RDWR | O_CLOEXEC));
  if (!request.file) {
    maillog::warning("{}: {}", request_.queue_id, base::Error::system("open queue file").message());
    return deferred(step, {4, 3, 0}, "cannot open the queue file");
  }
  request.transport = transport;
  request.nexthop = nexthop.empty() ? agent_.params.myhostname : nexthop;
  request.sender = step.sender;
  request.recipients.assign(1, step.recipient);
  // The recipient may have come to more than this delivery, so that only we can say when it is done.
  request.recipients.front().offset = 0;
  const auto answer = ask(*agent_.services, "private/" + transport, request);
  if (!answer) {
    maillog::warning("{}: {}", request_.queue_id, answer.error().message());
    return deferred(step, {4, 3, 0}, "mail transport unavailable");
  }
  if (!answer->all_done) is_deferred_ = true;
}

}  // namespace local
