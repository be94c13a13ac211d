#include "services/tlsmgr/ticket_rings.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include <sys/random.h>

namespace tlsmgr {
namespace {

Result<void> fill(std::span<unsigned char> bytes) {
  // So few the kernel gives at once, or not at all.
  if (getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) return {};
  return base::Failure(base::Error::system("getrandom", errno));
}

Result<tls::TicketKey> new_key() {
  tls::TicketKey key;
  TRY(fill(key.name));
  TRY(fill(key.cipher_key));
  TRY(fill(key.mac_key));
  return key;
}

}  // namespace

Result<TicketRings::Keys> TicketRings::of(std::string_view service, std::chrono::seconds lifetime) {
  if (lifetime.count() <= 0) return base::fail("tickets without a lifetime");
  const Deadline now = clock_.now();
  auto found = rings_.find(service);
  if (found == rings_.end()) {
    if (rings_.size() >= services_limit) return base::fail("too many services");
    found = rings_.try_emplace(std::string(service)).first;
  }
  Ring& ring = found->second;
  const auto age = now - ring.made;
  if (ring.keys.empty() || age >= lifetime) {
    const tls::TicketKey key = TRY(new_key());
    // Of the old key the last ticket is as old as the key is beyond its own time.
    if (age >= ring.lifetime + lifetime) ring.keys.clear();
    ring.keys.insert(ring.keys.begin(), key);
    if (ring.keys.size() > 2) ring.keys.resize(2);
    ring.made = now;
    ring.lifetime = lifetime;
  }
  return Keys{.keys = ring.keys, .fresh_for = std::chrono::ceil<std::chrono::seconds>(ring.made + lifetime - now)};
}

}  // namespace tlsmgr
