#include "lib/tls/tickets.h"

#include <algorithm>

#include <string.h>

namespace tls {
namespace {

// Between two questions for keys.
constexpr std::chrono::seconds pause{10};

}  // namespace

TicketKey::~TicketKey() {
  explicit_bzero(cipher_key.data(), cipher_key.size());
  explicit_bzero(mac_key.data(), mac_key.size());
}

bool TicketKeys::are_due(Deadline now) {
  if (now >= fresh_until_) keys_ = {};   // nobody gives us new ones: the old ones end too
  if (lifetime_.count() == 0 || now < next_question_) return false;
  next_question_ = now + pause;
  return true;
}

void TicketKeys::take(std::span<const TicketKey> keys, std::chrono::seconds fresh_for, Deadline now) {
  keys_ = {};
  for (std::size_t i = 0; i < std::min(keys.size(), keys_limit); ++i) keys_[i] = keys[i];
  fresh_until_ = next_question_ = now + fresh_for;
  taken_ = now;
}

const TicketKey* TicketKeys::sealing(Deadline now) const { return keys_[0] && now < fresh_until_ ? &*keys_[0] : nullptr; }

const TicketKey* TicketKeys::opening(std::span<const unsigned char, TicketKey::name_size> name, Deadline now) {
  for (const std::optional<TicketKey>& key : keys_) {
    if (key && std::ranges::equal(key->name, name)) return &*key;
  }
  // Anybody can make up a name: it makes us ask but once in a while.
  next_question_ = std::min(next_question_, std::max(now, taken_ + pause));
  return nullptr;
}

}  // namespace tls
