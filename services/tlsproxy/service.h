#pragma once
// A client of another program's, in a fiber: the handshake, then his bytes back and forth.

#include <memory>
#include <string>

#include "lib/ipc/ticket_source.h"
#include "lib/ipc/trace_source.h"
#include "lib/server/service.h"
#include "lib/smtp/tls_site.h"
#include "services/tlsproxy/tlsproxy_params.h"

namespace tlsproxy {

class Service final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  // `site` rests on `tables`.
  Service(std::unique_ptr<maps::Tables> tables, smtp::TlsSite site, ipc::TicketSource tickets, ipc::TraceSource traces, std::size_t trace_limit)
      : tables_(std::move(tables)), site_(std::move(site)), tickets_(std::move(tickets)), traces_(std::move(traces)), trace_limit_(trace_limit) {}

  void serve(server::Connection& connection) override;

 private:
  // `inside`: to the program whose client he is.
  void speak(const std::string& client, const Fd& outside, const Fd& inside, std::chrono::seconds handshake_timeout);

  std::unique_ptr<maps::Tables> tables_;
  smtp::TlsSite site_;
  ipc::TicketSource tickets_;
  ipc::TraceSource traces_;
  std::size_t trace_limit_;   // postscreen_tls_trace_size_limit
};

}  // namespace tlsproxy
