#include "postscreen/dnsbl_asker.h"

#include "lib/event/loop.h"
#include "lib/log/log.h"

namespace postscreen {

std::shared_ptr<DnsblInquiry> DnsblAsker::ask(const io::Address& client) {
  if (auto inquiry = under_way_[client].lock()) return inquiry;
  const auto inquiry = std::make_shared<DnsblInquiry>();
  // When the last session has lost interest the client is asked about anew.
  inquiry->forget = [this, client] { under_way_.erase(client); };
  under_way_[client] = inquiry;
  const std::string address = client.text();
  for (const std::string& domain : sites_.domains()) {
    // Whoever asks forgets the session, so that one that ends early costs no more questions.
    auto fiber = event::Loop::current().spawn("dnsbl", [this, weak = std::weak_ptr(inquiry), domain, address] {
      if (const auto held = weak.lock()) ask_one(held, domain, address);
    });
    if (fiber) ++inquiry->score.awaited;
    else maillog::warning("cannot ask {}: {}", domain, fiber.error().message());
  }
  return inquiry;
}

void DnsblAsker::ask_one(const std::shared_ptr<DnsblInquiry>& inquiry, const std::string& domain, const std::string& client) {
  const auto answer = answer_of({.list = domain, .client_address = client});
  DnsblScore& score = inquiry->score;
  if (answer) {
    std::vector<io::Address> addresses;
    for (const std::string& text : answer->addresses) {
      if (const auto address = io::Address::parse(text)) addresses.push_back(*address);
    }
    score.take(domain, sites_.weight(domain, addresses), answer->ttl);
  }
  if (--score.awaited > 0) return;
  const auto waiting = std::move(inquiry->on_complete);
  inquiry->on_complete.clear();
  for (const auto& [number, hook] : waiting) hook();
}

// A connection that was kept may be dead by now: once more, on a new one.
Result<ipc::DnsblogAnswer> DnsblAsker::answer_of(const ipc::DnsblogRequest& request) {
  const Deadline deadline = base::after(timeout_);
  for (;;) {
    auto connection = services_.take(socket_, deadline);
    if (!connection) {
      maillog::warning("connect to {} service: {}", socket_, connection.error().message());
      return base::Failure(std::move(connection).error());
    }
    ipc::send(connection->stream, request, deadline);
    auto answer = ipc::receive<ipc::DnsblogAnswer>(connection->stream, deadline);
    if (answer) {
      services_.keep(socket_, std::move(*connection));
      return answer;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      maillog::warning("dnsblog reply timeout {}s for {}", timeout_.count(), request.list);
      return answer;
    }
    if (!connection->reused) return answer;
  }
}

}  // namespace postscreen
