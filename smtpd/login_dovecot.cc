#include "smtpd/login_server.h"

namespace smtpd {
namespace {

class DovecotExchange final : public LoginExchange {
 public:
  explicit DovecotExchange(auth::Exchange exchange) : exchange_(std::move(exchange)) {}
  Result<auth::Answer> go_on(std::string_view response) override { return exchange_.go_on(response); }

 private:
  auth::Exchange exchange_;
};

class DovecotServer final : public LoginServer {
 public:
  explicit DovecotServer(auth::Client client) : client_(std::move(client)) {}

  Result<std::vector<auth::Mechanism>> mechanisms() override { return client_.mechanisms(); }
  Result<Started> start(const auth::Attempt& attempt) override {
    auto started = TRY(client_.start(attempt));
    return Started{std::make_unique<DovecotExchange>(std::move(started.exchange)), std::move(started.answer)};
  }

 private:
  auth::Client client_;
};

}  // namespace

Result<std::unique_ptr<LoginServer>> make_dovecot_server(std::string_view path) {
  return std::make_unique<DovecotServer>(TRY(auth::Client::to(path)));
}

}  // namespace smtpd
