#include "services/anvil/counts.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace anvil {

using ipc::AnvilAnswer;
using ipc::AnvilEvent;

namespace {

// "Nov 24 06:29:20", as in the log's own stamps.
std::string log_time(Stamp stamp) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%b %e %H:%M:%S", &local);
  return {text, size};
}

}  // namespace

std::vector<std::string> report(const Peaks& peaks, std::chrono::seconds unit) {
  std::vector<std::string> lines;
  const auto rate = [&](std::string_view what, const Peak& peak) {
    if (peak.value == 0) return;
    lines.push_back(fmt::format("statistics: max {} rate {}/{}s for ({}) at {}", what, peak.value, unit.count(), peak.ident,
                                log_time(peak.at)));
  };
  rate("connection", peaks.connection_rate);
  if (const Peak& count = peaks.connection_count; count.value > 0) {
    lines.push_back(fmt::format("statistics: max connection count {} for ({}) at {}", count.value, count.ident, log_time(count.at)));
  }
  rate("message", peaks.message_rate);
  rate("recipient", peaks.recipient_rate);
  rate("newtls", peaks.new_tls_rate);
  rate("auth", peaks.auth_rate);
  if (peaks.cache_size > 0) {
    lines.push_back(fmt::format("statistics: max cache size {} at {}", peaks.cache_size, log_time(peaks.cache_size_at)));
  }
  return lines;
}

AnvilAnswer Holder::count(const ipc::AnvilRequest& request) {
  switch (request.event) {
    case AnvilEvent::connect: ++held_[request.ident]; break;
    case AnvilEvent::disconnect: {
      // Only what this process holds can be given back by it.
      const auto found = held_.find(request.ident);
      if (found == held_.end()) return counts_.count(AnvilEvent::lookup, request.ident);
      if (--found->second == 0) held_.erase(found);
      break;
    }
    case AnvilEvent::message:
    case AnvilEvent::recipient:
    case AnvilEvent::new_tls:
    case AnvilEvent::new_tls_status:
    case AnvilEvent::auth:
    case AnvilEvent::lookup: break;
  }
  return counts_.count(request.event, request.ident);
}

Holder::~Holder() {
  for (const auto& [ident, sessions] : held_) counts_.release(ident, sessions);
}

Counts::ClientCounts* Counts::find(std::string_view ident) {
  const auto found = clients_.find(ident);
  if (found == clients_.end()) return nullptr;
  ClientCounts& client = found->second;
  if (clock_.now() >= client.interval_ends) {
    client = ClientCounts{.sessions = client.sessions, .interval_ends = clock_.now() + unit_};
  }
  return &client;
}

Counts::ClientCounts* Counts::find_or_make(std::string_view ident) {
  if (ClientCounts* client = find(ident)) return client;
  forget_idle();
  if (clients_.size() >= clients_limit) return nullptr;
  ClientCounts& client = clients_[std::string(ident)];
  client.interval_ends = clock_.now() + unit_;
  if (clients_.size() > peaks_.cache_size) {
    peaks_.cache_size = clients_.size();
    peaks_.cache_size_at = clock_.stamp();
  }
  return &client;
}

// Clients without sessions whose interval is over tell nothing. Looked for at most once per interval, so that the cost
// is spread over the events that made them.
void Counts::forget_idle() {
  const Deadline now = clock_.now();
  if (now < swept_ + unit_) return;
  swept_ = now;
  std::erase_if(clients_, [&](const auto& entry) { return entry.second.sessions == 0 && now >= entry.second.interval_ends; });
}

void Counts::note(Peak& peak, int value, std::string_view ident) {
  if (value > peak.value) peak = Peak{value, std::string(ident), clock_.stamp()};
}

AnvilAnswer Counts::count(AnvilEvent event, std::string_view ident) {
  switch (event) {
    case AnvilEvent::disconnect:
      release(ident, 1);
      [[fallthrough]];
    case AnvilEvent::lookup: {
      const ClientCounts* client = find(ident);
      return client == nullptr ? AnvilAnswer{} : AnvilAnswer{client->sessions, client->connections};
    }
    case AnvilEvent::new_tls_status: {
      const ClientCounts* client = find(ident);
      return client == nullptr ? AnvilAnswer{} : AnvilAnswer{client->sessions, client->new_tls};
    }
    case AnvilEvent::connect:
    case AnvilEvent::message:
    case AnvilEvent::recipient:
    case AnvilEvent::new_tls:
    case AnvilEvent::auth: break;
  }
  ClientCounts* client = find_or_make(ident);
  if (client == nullptr) return {};
  const auto one_more = [&](int& rate, Peak& peak) {
    note(peak, ++rate, ident);
    return AnvilAnswer{client->sessions, rate};
  };
  switch (event) {
    case AnvilEvent::connect:
      note(peaks_.connection_count, ++client->sessions, ident);
      return one_more(client->connections, peaks_.connection_rate);
    case AnvilEvent::message: return one_more(client->messages, peaks_.message_rate);
    case AnvilEvent::recipient: return one_more(client->recipients, peaks_.recipient_rate);
    case AnvilEvent::new_tls: return one_more(client->new_tls, peaks_.new_tls_rate);
    case AnvilEvent::auth: return one_more(client->auths, peaks_.auth_rate);
    case AnvilEvent::disconnect:
    case AnvilEvent::new_tls_status:
    case AnvilEvent::lookup: break;
  }
  return {};
}

void Counts::release(std::string_view ident, int sessions) {
  if (ClientCounts* client = find(ident)) client->sessions = std::max(0, client->sessions - sessions);
}

Peaks Counts::take_peaks() { return std::exchange(peaks_, {}); }

}  // namespace anvil
