#include "lib/maps/sessions.h"

#include <algorithm>

namespace maps {
namespace {

Deadline now() { return std::chrono::steady_clock::now(); }

}  // namespace

Sessions::Sessions(const module::Client& client)
    : client_(client), servers_(client.servers.size()), random_(std::random_device{}()) {}

std::vector<Sessions::Index> Sessions::order() {
  close_old();
  std::vector<Index> indexes;
  for (Index i = 0; i < servers_.size(); ++i) {
    if (servers_.size() == 1 || servers_[i].down_until <= now()) indexes.push_back(i);
  }
  std::ranges::shuffle(indexes, random_);
  std::ranges::stable_sort(indexes, {}, [&](Index i) {
    return servers_[i].idle.empty() ? client_.servers[i].is_local ? 1 : 2 : 0;
  });
  return indexes;
}

std::unique_ptr<module::Session> Sessions::take(Index server) {
  std::vector<Idle>& idle = servers_[server].idle;
  if (idle.empty()) return nullptr;
  std::unique_ptr<module::Session> session = std::move(idle.back().session);
  idle.pop_back();
  return session;
}

void Sessions::keep(Index server, std::unique_ptr<module::Session> session) {
  servers_[server].idle.push_back({std::move(session), now()});
  watch_idle();
}

void Sessions::mark_down(Index server) {
  servers_[server].idle.clear();
  servers_[server].down_until = now() + client_.retry_interval;
}

void Sessions::close_old() {
  if (client_.idle_interval == std::chrono::seconds(0)) return;
  for (Server& server : servers_) {
    std::erase_if(server.idle, [&](const Idle& idle) { return now() - idle.since >= client_.idle_interval; });
  }
}

// A server's connections are not ours to keep while we have nothing to ask.
void Sessions::watch_idle() {
  if (timer_ || client_.idle_interval == std::chrono::seconds(0) || event::Loop::find() == nullptr) return;
  timer_ = event::Loop::current().timer(client_.idle_interval, [this] {
    timer_.reset();
    close_old();
    if (std::ranges::any_of(servers_, [](const Server& server) { return !server.idle.empty(); })) watch_idle();
  });
}

}  // namespace maps
