#include "lib/tls/facts.h"

#include <fmt/format.h>

namespace tls {
namespace {

void append(std::string& out, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  if (!out.empty()) out += ' ';
  out += fmt::format("{} {}", label, value);
}

}  // namespace

std::string Facts::cipher_text() const {
  return fmt::format("{} with cipher {} ({}/{} bits)", protocol, cipher, cipher_bits, algorithm_bits);
}

std::string Facts::server_text() const {
  std::string out;
  append(out, "key-exchange", key_exchange);
  append(out, "server-signature", server_signature);
  append(out, "server-digest", server_digest);
  return out;
}

std::string Facts::client_text() const {
  std::string out;
  append(out, "client-signature", client_signature);
  append(out, "client-digest", client_digest);
  return out;
}

std::string Facts::text() const {
  std::string out = cipher_text();
  for (const std::string& part : {server_text(), client_text()}) {
    if (!part.empty()) out += " " + part;
  }
  return out;
}

std::string_view name(Trust trust) {
  switch (trust) {
    case Trust::anonymous: return "Anonymous";
    case Trust::untrusted: return "Untrusted";
    case Trust::trusted: return "Trusted";
    case Trust::verified: return "Verified";
  }
  return "";
}

}  // namespace tls
