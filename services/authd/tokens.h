#pragma once
// Whose an OAuth token is: authd asks oauthd(8), which alone looks into tokens.

#include <memory>
#include <string>

#include "lib/ipc/connections.h"
#include "lib/ipc/messages/token.h"

namespace authd {

// What a client is told whose token is not taken (RFC 7628 section 3.2.2).
struct TokenHints {
  std::string scope;                  // words, with blanks between
  std::string openid_configuration;   // a URL; empty: none
};

class TokenSource {
 public:
  explicit TokenSource(TokenHints hints) : hints_(std::move(hints)) {}
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;
  virtual ~TokenSource() = default;

  // Parks. Who cannot be asked is unavailable.
  [[nodiscard]] virtual ipc::TokenAnswer check(const std::string& token) = 0;
  [[nodiscard]] const TokenHints& hints() const { return hints_; }

 private:
  TokenHints hints_;
};

[[nodiscard]] std::unique_ptr<TokenSource> make_token_source(ipc::Connections& services, const std::string& service_name, TokenHints hints);

}  // namespace authd
