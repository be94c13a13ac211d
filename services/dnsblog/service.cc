#include "services/dnsblog/service.h"

#include "lib/dns/dns_list.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"

namespace dnsblog {
namespace {

// postscreen has long gone on without the answer by then.
constexpr std::chrono::seconds look_up_time_limit{60};

}  // namespace

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  return std::make_unique<Service>(params, TRY(dns::Resolver::open({})), startup.clock);
}

void Service::serve(server::Connection& connection) {
  server::serve_requests<ipc::Dnsblog>(connection, [&](const ipc::DnsblogRequest& request) { return ask(request); });
}

ipc::DnsblogAnswer Service::ask(const ipc::DnsblogRequest& request) {
  ipc::DnsblogAnswer out;
  const auto client = io::Address::parse(request.client_address);
  if (!client) {
    maillog::warning("bad client address: {}", request.client_address);
    return out;
  }
  const std::string name = dns::reversed(*client) + "." + request.list;
  const auto answer = resolver_->addresses(name, dns::Families::ipv4, clock_.now() + look_up_time_limit);
  out.ttl = answer.ttl;
  switch (answer.status) {
    case dns::Status::found:
      for (const io::Address& value : answer.records) {
        maillog::info("addr {} listed by domain {} as {}", request.client_address, request.list, value.text());
        out.addresses.push_back(value.text());
      }
      break;
    case dns::Status::no_domain:
    case dns::Status::no_data: break;
    case dns::Status::null_mx:
    case dns::Status::invalid:
    case dns::Status::garbled:
    case dns::Status::temporary:
    case dns::Status::filtered:
    case dns::Status::unfiltered:
      maillog::warning("dnsblog_query: lookup error for DNS query {}: Host or domain name not found. "
                       "Name service error for name={} type=A: {}", name, name, answer.reason);
      break;
  }
  if (params_.dnsblog_reply_delay.count() > 0) event::sleep_until(clock_.now() + params_.dnsblog_reply_delay);
  return out;
}

}  // namespace dnsblog
