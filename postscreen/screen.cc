#include "postscreen/screen.h"

#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "lib/ipc/messages/pass.h"
#include "lib/log/log.h"
#include "lib/server/cache.h"
#include "lib/smtp/proxy_header.h"

namespace postscreen {
namespace {

constexpr std::chrono::seconds last_word_limit{1};   // a reply fits into any socket's buffer

// Of postscreen_pre_queue_limit: where stress begins, and where it is over.
constexpr int stress_begins = 90, stress_ends = 70, percent = 100;

}  // namespace

Screen::Screen(Parts parts, ipc::Connections& services, const base::Clock& clock)
    : maps_(std::move(parts.maps)),
      normal_(std::move(parts.normal)),
      stressed_(std::move(parts.stressed)),
      lists_(std::move(parts.lists)),
      allowlist_(std::move(parts.cache), normal_.params.postscreen_cache_retention_time, clock),
      dnsbl_(lists_.sites, services, normal_.params.dnsblog_service_name, normal_.params.postscreen_dnsbl_timeout),
      tls_proxy_(services, normal_.params.tlsproxy_service_name),
      services_(services),
      clock_(clock) {}

Result<std::unique_ptr<server::Service>> Screen::make(server::Startup& startup) {
  // As for smtpd: what main.cf means under stress is known beforehand.
  const bool is_said = startup.main.find("stress") != nullptr;
  Parts parts;
  parts.normal = TRY(Settings::load(is_said ? startup.main : startup.main.with("stress", "")));
  parts.stressed = TRY(Settings::load(is_said ? startup.main : startup.main.with("stress", "yes")));
  if (const std::string& protocol = parts.normal.params.postscreen_upstream_proxy_protocol; !protocol.empty() && protocol != "haproxy") {
    return base::fail("unsupported postscreen_upstream_proxy_protocol value: " + protocol);
  }
  parts.maps = std::make_unique<maps::Tables>(startup.table_options());
  parts.lists = TRY(Lists::open(*parts.maps, parts.normal.params));
  if (const Params& params = parts.normal.params; !params.postscreen_cache_map.empty()) {
    parts.cache = TRY(server::open_cache(
        startup, *parts.maps, {.table = params.postscreen_cache_map, .cleanup_interval = params.postscreen_cache_cleanup_interval}, params.mail_owner));
  }
  return std::make_unique<Screen>(std::move(parts), startup.services, startup.clock);
}

bool Screen::hear_proxy(server::Connection& connection) const {
  const Params& params = settings().params;
  if (params.postscreen_upstream_proxy_protocol.empty()) return true;
  const Deadline deadline = base::after(params.postscreen_upstream_proxy_timeout);
  const auto header = smtp::take_proxy_header(connection.stream.fd(), dns::families_of(params.inet_protocols), deadline, "time limit exceeded");
  if (!header) {
    maillog::warning("haproxy read: {}", header.error());
    connection.stream.write(smtp::Reply(421, "4.3.2 No system resources").wire(), deadline);
    // What he has sent is taken, or the end of the connection would overtake the reply.
    if (connection.stream.flush(base::after(last_word_limit)) == io::End::ok) static_cast<void>(connection.stream.peek_input());
    return false;
  }
  if (!header->client) return true;
  connection.peer = header->client;
  connection.local = header->server;
  return true;
}

void Screen::serve(server::Connection& connection) {
  if (!hear_proxy(connection)) return;
  if (!connection.peer || !connection.local) return maillog::warning("a client without an address");
  const unsigned long number = ++next_number_;
  const io::Endpoint client = *connection.peer;
  enter(client.address);
  auto session = std::make_unique<Session>(*this, number, connection.stream.release(), client, *connection.local);
  Session& here = *sessions_.emplace(number, std::move(session)).first->second;
  here.begin();
}

void Screen::enter(const io::Address& client) {
  ++tested_;
  ++clients_[client].connections;
}

void Screen::leave(const io::Address& client) {
  --tested_;
  if (const auto found = clients_.find(client); --found->second.connections == 0) clients_.erase(found);
  if (!is_stressed_ || tested_ > normal_.params.postscreen_pre_queue_limit * stress_ends / percent) return;
  maillog::info("leaving STRESS mode with {} connections", tested_);
  is_stressed_ = false;
}

void Screen::note_stress() {
  if (is_stressed_ || tested_ < normal_.params.postscreen_pre_queue_limit * stress_begins / percent) return;
  maillog::info("entering STRESS mode with {} connections", tested_);
  is_stressed_ = true;
}

int Screen::connections_of(const io::Address& client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? 0 : found->second.connections;
}

const Results& Screen::look_up(const io::Address& client) {
  if (!clients_.at(client).results) {
    const Results results = allowlist_.look_up(client.text());
    // Another session may have been quicker.
    if (Client& known = clients_.at(client); !known.results) known.results = results;
  }
  return *clients_.at(client).results;
}

void Screen::store(const io::Address& client, const Results& results) {
  clients_.at(client).results = results;
  allowlist_.store(client.text(), results);
}

void Screen::forget(unsigned long number) {
  const auto found = sessions_.find(number);
  const io::Address client = found->second->client().address;
  sessions_.erase(found);
  leave(client);
  server::released();
}

void Screen::abandon(unsigned long number) {
  const auto found = sessions_.find(number);
  if (found == sessions_.end()) return;
  maillog::info("DISCONNECT {}", found->second->name());
  forget(number);
}

// The successor waits for our end: who only waits for the greeting has it in a moment, with the others it could take long.
void Screen::draining() {
  allowlist_.close();
  for (const auto& [number, session] : sessions_) session->hurry();
}

std::string Screen::wire(const smtp::Reply& reply, const io::Endpoint& client) const {
  const Params& params = normal_.params;
  smtp::Reply last = params.soft_bounce ? reply.softened() : reply;
  if (!last.is_error()) return last.wire();
  const auto macros = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "client_address") return client.address.text();
    if (name == "client_port") return std::to_string(client.port);
    if (name == "server_name") return params.myhostname;
    return std::nullopt;
  };
  return lists_.footer.added_to(std::move(last), reply, macros, clock_.stamp()).wire();
}

bool Screen::pass_on(const Fd& connection, const io::Endpoint& client, const io::Endpoint& server) {
  struct Place {
    int& count;
    explicit Place(int& places) : count(places) { ++count; }
    ~Place() { --count; }
  } const place(passing_);
  const std::string socket = "private/" + normal_.params.smtpd_service_name;
  const Deadline deadline = base::after(ipc::pass_timeout);
  auto way = connect_now(services_, socket, deadline);
  if (!way) {
    maillog::warning("cannot pass a client on: {}", way.error().message());
    return false;
  }
  Fd copy(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
  ipc::send(*way, ipc::PassedClient{.client_address = client.address.text(), .server_address = server.address.text(),
                                    .client_port = client.port, .server_port = server.port, .connection = std::move(copy)},
            deadline);
  // The end of the connection says that smtpd has him.
  return way->read_some(1, deadline).end == io::End::eof;
}

}  // namespace postscreen
