#include "services/authd/tickets.h"

#include <array>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "lib/auth/wire.h"

namespace authd {

std::string random_word() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::optional<std::string> Tickets::issue(std::string_view user, std::string_view service, std::string_view session) {
  const Deadline now = clock_.now();
  if (tickets_.size() >= tickets_limit) {
    std::erase_if(tickets_, [&](const auto& each) { return each.second.until <= now; });
    if (tickets_.size() >= tickets_limit) return std::nullopt;
  }
  std::string word = random_word();
  if (word.empty()) return std::nullopt;
  tickets_[word] = {std::string(user), std::string(service), std::string(session), now + auth::ticket_lifetime};
  return word;
}

std::optional<std::string> Tickets::redeem(std::string_view ticket, std::string_view service, std::string_view session) {
  const auto node = tickets_.extract(std::string(ticket));
  if (node.empty()) return std::nullopt;
  const Ticket& found = node.mapped();
  if (found.until <= clock_.now() || found.service != service || found.session != session) return std::nullopt;
  return found.user;
}

}  // namespace authd
