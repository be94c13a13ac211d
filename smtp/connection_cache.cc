#include "smtp/connection_cache.h"

#include <utility>

namespace smtp {

std::optional<Connection> ConnectionCache::take(std::string_view destination) {
  const auto found = idle_.find(destination);
  if (found == idle_.end()) return std::nullopt;
  std::optional<Connection> usable;
  while (!usable && !found->second.empty()) {
    Connection connection = std::move(found->second.back().connection);
    found->second.pop_back();
    // Otherwise the server has closed it, or says something unasked.
    if (connection.is_at_rest()) usable.emplace(std::move(connection));
  }
  if (found->second.empty()) idle_.erase(found);
  return usable;
}

void ConnectionCache::keep(const std::string& destination, Connection connection) {
  const bool is_used_up = std::chrono::steady_clock::now() - connection.opened >= limits_.age ||
                          (limits_.uses > 0 && connection.uses > limits_.uses);
  if (is_used_up) return connection.quit(Connection::Goodbye::at_once, {});
  std::list<Idle>& list = idle_[destination];
  const auto place = list.insert(list.end(), Idle{std::move(connection), nullptr});
  place->expiry = event::Loop::current().timer(limits_.idle, [this, destination, place] {
    const std::unique_ptr<event::Loop::Watch> this_timer = std::move(place->expiry);
    place->connection.quit(Connection::Goodbye::at_once, {});
    const auto found = idle_.find(destination);
    found->second.erase(place);
    if (found->second.empty()) idle_.erase(found);
  });
}

void ConnectionCache::close_all() {
  for (auto& [destination, list] : idle_) {
    for (Idle& idle : list) idle.connection.quit(Connection::Goodbye::at_once, {});
  }
  idle_.clear();
}

}  // namespace smtp
