#include "services/tlsproxy/service.h"

#include "lib/io/relay.h"
#include "lib/ipc/messages/tlsproxy.h"
#include "lib/log/log.h"
#include "lib/tls/session.h"
#include "services/tlsproxy/settings.h"

namespace tlsproxy {
namespace {

// Tells of a client's end, however it comes.
struct Farewell {
  const std::string& client;
  ~Farewell() { maillog::info("DISCONNECT {}", client); }
};

// Of "[192.0.2.1]:4711".
std::string_view address_in(std::string_view client) {
  const std::size_t begin = client.find('[') + 1;   // 0 when there is none
  return client.substr(begin, client.find(']', begin) - begin);
}

void log_failure(const std::string& client) {
  tls::log_library_problems();
  // The name is what Postfix logs here, whatever the service is called.
  maillog::info("TLS handshake failed for service=smtpd peer={}", client);
}

}  // namespace

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(with_postscreens(startup.main)));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  smtp::TlsSite::Wishes wanted = TRY(wishes(params, startup.service));
  smtp::TlsSite site = TRY(smtp::TlsSite::make(*tables, std::move(wanted), startup.watch_file));
  ipc::TicketSource tickets(startup.services, params.tlsmgr_service_name, startup.service);
  ipc::TraceSource traces(startup.services, params.tlsmgr_service_name, "postscreen");
  return std::make_unique<Service>(std::move(tables), std::move(site), std::move(tickets), std::move(traces),
                                   static_cast<std::size_t>(params.postscreen_tls_trace_size_limit));
}

void Service::serve(server::Connection& connection) {
  const Deadline deadline = base::after(ipc::tlsproxy_timeout);
  const auto request = ipc::receive<ipc::TlsProxyRequest>(connection.stream, deadline);
  if (!request) {
    if (request.error().message() != ipc::end_of_stream) server::log_bad_request(request.error());
    return;
  }
  maillog::info("CONNECT from {}", request->client);
  const Farewell farewell{request->client};
  ipc::send(connection.stream, ipc::TlsProxyAnswer{.is_ready = site_.context != nullptr}, deadline);
  if (connection.stream.flush(deadline) != io::End::ok || !site_.context) return;
  // Until the client has taken the reply to his STARTTLS.
  auto handed = ipc::receive<ipc::TlsProxyClient>(connection.stream, base::after(request->handshake_timeout));
  if (!handed) {
    if (handed.error().message() != ipc::end_of_stream) server::log_bad_request(handed.error());
    return;
  }
  const Fd inside = connection.stream.release();
  speak(request->client, handed->connection, inside, request->handshake_timeout);
}

void Service::speak(const std::string& client, const Fd& outside, const Fd& inside, std::chrono::seconds handshake_timeout) {
  const Deadline deadline = base::after(handshake_timeout);
  if (tls::TicketKeys* const keys = site_.context->tickets()) tickets_.refresh(*keys);
  const std::string_view address = address_in(client);
  const tls::LogLevel level = site_.log_levels.of({address});
  const auto session = tls::Session::accept(*site_.context, outside.get(),
                                            {.detail = level.detail,
                                             .peer = client,
                                             .trace = level.is_traced ? traces_.begin(std::string(address)) : Fd(),
                                             .trace_limit = trace_limit_});
  if (!session) {
    maillog::warning("{}: {}", client, session.error().message());
    return log_failure(client);
  }
  site_.log_start(client, level.detail);
  io::Relay relay(session->get(), outside.get(), inside.get());
  if (!relay.shake_hands(deadline)) return log_failure(client);
  const tls::Facts facts = (*session)->facts();
  site_.log_connection(client, facts, level.detail);
  if (site_.is_satisfied_by(facts)) static_cast<void>(relay.run());
  relay.finish();
}

}  // namespace tlsproxy
