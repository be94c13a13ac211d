#include "services/authd/failures.h"

#include <algorithm>

#include "lib/io/socket.h"

namespace authd {

// A host of IPv6 has a network of 64 bits to take addresses from.
std::string Failures::key_of(std::string_view address) {
  constexpr std::size_t network_bytes = 8;
  const auto parsed = io::Address::parse(address);
  if (!parsed || !parsed->is_v6()) return std::string(address);
  return "net:" + std::string(parsed->bytes().substr(0, network_bytes));
}

int Failures::left(const Client& client) const {
  const auto gone = (clock_.now() - client.since) / memory;
  return gone >= client.failures ? 0 : client.failures - static_cast<int>(gone);
}

void Failures::make_room() {
  if (clients_.size() < addresses_limit) return;
  std::erase_if(clients_, [this](const auto& entry) { return entry.second.under_way == 0 && left(entry.second) == 0; });
  if (clients_.size() < addresses_limit) return;
  std::erase_if(clients_, [this](const auto& entry) { return entry.second.under_way == 0 && left(entry.second) <= 1; });
}

bool Failures::begin(std::string_view address) {
  make_room();
  const std::string key = key_of(address);
  const auto found = clients_.find(key);
  if (found == clients_.end() && clients_.size() >= addresses_limit) return true;   // not counted
  Client& client = found == clients_.end() ? clients_[key] : found->second;
  if (client.under_way >= logins_limit) return false;
  ++client.under_way;
  return true;
}

void Failures::end(std::string_view address) {
  const auto found = clients_.find(key_of(address));
  if (found == clients_.end()) return;
  found->second.under_way = std::max(0, found->second.under_way - 1);
  if (found->second.under_way == 0 && left(found->second) == 0) clients_.erase(found);
}

void Failures::failed(std::string_view address) {
  constexpr int enough = 1000;
  const auto found = clients_.find(key_of(address));
  if (found == clients_.end()) return;
  Client& client = found->second;
  client.failures = std::min(left(client) + 1, enough);
  client.since = clock_.now();
}

int Failures::count(std::string_view address) const {
  const auto found = clients_.find(key_of(address));
  return found == clients_.end() ? 0 : left(found->second);
}

std::chrono::seconds Failures::wait(std::string_view address) const {
  constexpr int most_doublings = 16;
  const int failures = count(address);
  if (failures == 0) return std::chrono::seconds(0);
  return std::min(longest_, first_ * (1L << std::min(failures - 1, most_doublings)));
}

}  // namespace authd
