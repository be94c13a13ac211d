#include "qmgr/scheduler.h"

#include <algorithm>

namespace qmgr {

Result<Transport*> Scheduler::transport(const std::string& name) {
  const auto found = transports_.find(name);
  if (found != transports_.end()) return found->second.get();
  const auto limit = process_limits_.find(name);
  auto made = TRY(Transport::make(name, main_, limit == process_limits_.end() ? 0 : limit->second));
  return transports_.emplace(name, std::move(made)).first->second.get();
}

std::size_t Scheduler::recipients() const {
  std::size_t all = 0;
  for (const auto& [name, transport] : transports_) all += transport->recipients();
  return all;
}

std::size_t Scheduler::recipients(const ActiveMessage& message) const {
  std::size_t all = 0;
  for (const auto& [name, transport] : transports_) all += transport->recipients(message);
  return all;
}

std::size_t Scheduler::first_batch() const {
  const std::size_t used = recipients();
  return std::max(limits_.minimum, limits_.recipients > used ? limits_.recipients - used : 0);
}

Scheduler::Refill Scheduler::refill(const ActiveMessage& message, Deadline now) const {
  if (message.unread_recipients() == 0 || message.is_reading()) return {};
  std::size_t used = 0, share = 0, enough = message.unread_count();
  auto patience = std::chrono::seconds::max();
  for (const auto& [name, transport] : transports_) {
    const std::size_t here = transport->recipients(message);
    used += here;
    share += transport->share(message);
    if (here == 0) continue;
    enough = std::min(enough, transport->limits().refill);
    patience = std::min(patience, transport->limits().refill_delay);
  }
  if (used == 0) return {std::max(share, limits_.minimum), now};
  const std::size_t room = std::max(share, limits_.minimum > used ? limits_.minimum - used : 0);
  if (room == 0) return {};
  if (room >= enough) return {room, now};
  return {room, std::max(now, message.read_at() + patience)};
}

void Scheduler::entered(const ActiveMessage& message) {
  ++messages_;
  if (message.is_probe()) ++probes_;
}

void Scheduler::all_read(const ActiveMessage& message) {
  for (const auto& [name, transport] : transports_) transport->all_read(message);
}

void Scheduler::forget(const ActiveMessage& message) {
  --messages_;
  if (message.is_probe()) --probes_;
  for (const auto& [name, transport] : transports_) transport->forget(message);
}

}  // namespace qmgr
