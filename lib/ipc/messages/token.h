#pragma once
// authd asks oauthd(8) whose an OAuth token is. What the token says is not believed before oauthd has checked it.

#include "lib/ipc/message.h"

namespace ipc {

enum class TokenVerdict { valid, invalid, insufficient_scope, unavailable };

struct TokenRequest {
  std::string token;   // as the client gave it; a secret
  static constexpr auto fields = std::tuple{Field{"token", &TokenRequest::token}};
};
struct TokenAnswer {
  TokenVerdict verdict = TokenVerdict::unavailable;
  std::string user;   // valid, and insufficient_scope: what the claim says, not yet in the form of a name
  std::string why;    // for the log; nothing of the token is in it
  static constexpr auto fields = std::tuple{Field{"verdict", &TokenAnswer::verdict}, Field{"user", &TokenAnswer::user}, Field{"why", &TokenAnswer::why}};
};
// At "private/" with auth_oauth_service_name.
struct Token {
  using Request = TokenRequest;
  using Answer = TokenAnswer;
  static constexpr std::chrono::seconds timeout{25};   // smtpd waits for authd for 30
};

}  // namespace ipc
