#include "qmgr/dispatch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/core.h>

#include "lib/mail/verp.h"
#include "lib/queue/lock.h"

namespace qmgr {
namespace {

// An agent that is being restarted comes back within this time; one that is not there at all is not waited for longer.
constexpr std::chrono::seconds connect_limit{5};

ipc::DeliveryRequest make_request(const std::string& transport, const Destination& destination, const Batch& batch, Stamp now) {
  const ActiveMessage& message = *batch.message;
  const queue::Message& envelope = message.envelope();
  ipc::DeliveryRequest request;
  request.queue_name = queue::name(queue::Queue::active);
  request.queue_id = message.id().text();
  request.transport = transport;
  request.nexthop = destination.nexthop();
  request.backlog = destination.has_waiting();
  const ipc::DeliveryRecipient& first = batch.recipients.front();
  request.sender = mail::verp_sender(envelope.verp, envelope.sender, first.original.empty() ? first.address : first.original);
  request.encoding = envelope.encoding;
  request.data_offset = envelope.data_offset;
  request.data_size = envelope.data_size;
  request.smtputf8 = (envelope.send_options & queue::smtputf8_requested) != 0;
  request.tls_optional = (envelope.send_options & queue::tls_optional) != 0;
  request.tls_required = (envelope.send_options & queue::tls_required) != 0;
  request.dsn_envid = envelope.dsn_envid;
  request.dsn_ret = envelope.dsn_ret;
  request.success_trace = (envelope.trace_flags & queue::trace_record) != 0;
  request.probe = message.is_probe();
  request.first_try = message.why() == Why::taken_in;
  request.verify_only = request.probe || (envelope.trace_flags & queue::trace_verify) != 0;
  request.arrived = envelope.arrived;
  request.activated = message.activated();
  request.requested = now;
  request.client_name = envelope.attribute("log_client_name");
  request.client_address = envelope.attribute("log_client_address");
  request.client_port = envelope.attribute("log_client_port");
  request.client_proto = envelope.attribute("log_protocol_name");
  request.client_helo = envelope.attribute("log_helo_name");
  request.sasl_method = envelope.attribute("sasl_method");
  request.sasl_username = envelope.attribute("sasl_username");
  request.sasl_sender = envelope.attribute("sasl_sender");
  request.log_ident = envelope.attribute("log_ident");
  request.rewrite_context = envelope.attribute("rewrite_context");
  request.recipients = batch.recipients;
  return request;
}

}  // namespace

Dispatched dispatch(ipc::Connections& services, const queue::Layout& layout, const std::string& transport,
                    const Destination& destination, const Batch& batch, Stamp now, const DispatchSettings& settings) {
  using How = Dispatched::How;
  ipc::DeliveryRequest request = make_request(transport, destination, batch, now);
  const queue::Message& envelope = batch.message->envelope();
  request.delay_cleared = settings.confirms_delay_cleared && envelope.warn_offset != 0 && !envelope.warn_time;
  // A description of its own for each agent. The lock goes with it: when we die, our successor sees that the agent, or a
  // process that it has passed the file on to, is still delivering.
  const std::string path = layout.path(queue::Queue::active, batch.message->id());
  request.file = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!request.file) return {How::file_gone, {}, base::Error::system("open " + path).message()};
  if (const auto locked = queue::lock_file_shared(request.file); !locked) return {How::in_use, {}, locked.error().message()};

  const std::string socket = "private/" + transport;
  for (;;) {
    auto connection = services.take(socket, base::after(std::min(connect_limit, settings.ipc_limit)));
    if (!connection) {
      return {How::unreachable, {}, fmt::format("connect to transport {}: {}", socket, ::strerror(connection.error().code()))};
    }
    const Deadline sent = base::after(settings.ipc_limit);
    ipc::send(connection->stream, request, sent);
    if (connection->stream.flush(sent) != io::End::ok) {
      if (connection->reused) continue;  // it was closed while at rest
      return {How::unreachable, {}, "connection to transport " + socket + " lost"};
    }
    auto answer = ipc::receive<ipc::DeliveryAnswer>(connection->stream, base::after(ipc::Deliver::timeout));
    if (answer) {
      services.keep(socket, std::move(*connection));
      return {How::answered, std::move(*answer), ""};
    }
    return {How::agent_died, {}, answer.error().message()};
  }
}

}  // namespace qmgr
