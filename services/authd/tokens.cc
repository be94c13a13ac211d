#include "services/authd/tokens.h"

namespace authd {
namespace {

class Oauthd final : public TokenSource {
 public:
  Oauthd(ipc::Connections& services, std::string socket, TokenHints hints)
      : TokenSource(std::move(hints)), services_(services), socket_(std::move(socket)) {}

  ipc::TokenAnswer check(const std::string& token) override {
    auto answer = services_.ask_at<ipc::Token>(socket_, {token});
    if (answer) return std::move(*answer);
    return {ipc::TokenVerdict::unavailable, {}, answer.error().message()};
  }

 private:
  ipc::Connections& services_;
  std::string socket_;
};

}  // namespace

std::unique_ptr<TokenSource> make_token_source(ipc::Connections& services, const std::string& service_name, TokenHints hints) {
  return std::make_unique<Oauthd>(services, "private/" + service_name, std::move(hints));
}

}  // namespace authd
