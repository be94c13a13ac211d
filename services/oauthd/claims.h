#pragma once
// What a token has to say so that its bearer is let in: from a JWT whose signature is right, or from the introspection
// server's answer. Pure.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/ipc/messages/token.h"
#include "services/oauthd/json.h"

namespace oauthd {

struct Demands {
  std::vector<std::string> issuers, audiences, scopes;
  std::string username_claim;
  std::chrono::seconds leeway{};
};

struct Judgement {
  ipc::TokenVerdict verdict = ipc::TokenVerdict::invalid;
  std::string user;
  std::string why;
  std::optional<Stamp> ends;   // the claim "exp"
};

enum class Source { jwt, introspection };

[[nodiscard]] Judgement judge(const Json& claims, Source source, const Demands& demands, Stamp now);

}  // namespace oauthd
