#pragma once
// What ties a login to one TLS connection, so that nobody in between can pass it on. Bytes; both ends have the same.

#include <string>

namespace tls {

struct ChannelBinding {
  std::string exporter;   // tls-exporter (RFC 9266), of TLS 1.3
  std::string unique;     // tls-unique (RFC 5929), of TLS 1.2 with an extended master secret (RFC 7627), without which it is not unique
  [[nodiscard]] bool empty() const { return exporter.empty() && unique.empty(); }
};

}  // namespace tls
