#pragma once
// OAUTHBEARER (RFC 7628), and XOAUTH2, which it came from: the client shows a token. Whoever is refused is told why in JSON,
// and has to take note of it before the exchange ends. Not by libgsasl, which has these for clients only.

#include <optional>
#include <string>
#include <string_view>

#include "services/authd/exchange.h"

namespace authd {

// What a client shows. Pure.
struct BearerMessage {
  std::string user;    // whom he wants to be; empty: whom the token is for
  std::string token;   // may be empty: he asks where tokens are to be had
};
// RFC 7628 section 3.1: "n,a=USER,^Ahost=...^Aauth=Bearer TOKEN^A^A". None: it is no such message.
[[nodiscard]] std::optional<BearerMessage> parse_oauthbearer(std::string_view message);
// "user=USER^Aauth=Bearer TOKEN^A^A".
[[nodiscard]] std::optional<BearerMessage> parse_xoauth2(std::string_view message);

class BearerExchange final : public Exchange {
 public:
  BearerExchange(Authority& authority, const MechanismRow& mechanism, Caller caller)
      : Exchange(authority, mechanism, std::move(caller)), is_standard_(mechanism.name == "OAUTHBEARER") {}

  [[nodiscard]] Step step(const std::optional<std::string>& response) override;
  [[nodiscard]] bool is_lost() const override { return refusal_.has_value(); }

 private:
  [[nodiscard]] Step show(const std::string& message);
  // The challenge that says so; the verdict follows the client's answer to it.
  [[nodiscard]] Step refuse(std::string_view status, std::string why);

  bool is_standard_;
  bool was_asked_ = false;
  std::optional<Step> refusal_;
};

}  // namespace authd
