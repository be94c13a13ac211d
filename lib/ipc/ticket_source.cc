#include "lib/ipc/ticket_source.h"

#include <algorithm>

#include "lib/base/base64.h"
#include "lib/ipc/messages/tlsmgr.h"
#include "lib/log/log.h"

namespace ipc {
namespace {

template <std::size_t size>
Result<void> decode(const std::string& text, std::array<unsigned char, size>& into) {
  const auto bytes = base::decode_base64(text);
  if (!bytes || bytes->size() != size) return base::fail("a key of the wrong size");
  std::ranges::copy(*bytes, into.begin());
  return {};
}

Result<std::vector<tls::TicketKey>> decode(const TlsManagerAnswer& answer) {
  std::vector<tls::TicketKey> keys;
  for (const TicketKeyMessage& each : answer.keys) {
    tls::TicketKey& key = keys.emplace_back();
    TRY(decode(each.name, key.name));
    TRY(decode(each.cipher_key, key.cipher_key));
    TRY(decode(each.mac_key, key.mac_key));
  }
  if (keys.empty()) return base::fail("no keys");
  return keys;
}

}  // namespace

void TicketSource::refresh(tls::TicketKeys& keys) {
  if (!keys.are_due(std::chrono::steady_clock::now())) return;
  const TlsManagerRequest request{.name = service_, .id = {}, .session = {}, .lifetime = keys.lifetime()};
  const auto answer = connections_.ask_at<TlsManager>(socket_, request);
  const auto decoded = answer ? decode(*answer) : base::Failure(answer.error());
  if (!decoded) return maillog::warning("no keys for TLS session tickets: {}", decoded.error().message());
  keys.take(*decoded, answer->fresh_for, std::chrono::steady_clock::now());
}

}  // namespace ipc
