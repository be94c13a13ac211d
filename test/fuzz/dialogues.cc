// What other programs answer: milters, policy servers, authentication servers. None of them is trusted.

#include "lib/auth/client.h"
#include "lib/base/check.h"
#include "lib/milter/milter.h"
#include "smtpd/policy/policy_client.h"
#include "test/fuzz/peer.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

class NoEditor final : public ::milter::Editor {
  Result<void> add_header(std::string_view, std::string_view) override { return {}; }
  Result<void> insert_header(std::uint32_t, std::string_view, std::string_view) override { return {}; }
  Result<void> change_header(std::uint32_t, std::string_view, std::string_view) override { return {}; }
  Result<void> change_sender(std::string_view, std::string_view) override { return {}; }
  Result<void> add_recipient(std::string_view, std::string_view) override { return {}; }
  Result<void> delete_recipient(std::string_view) override { return {}; }
  Result<void> replace_body(std::string_view) override { return {}; }
  Result<void> quarantine(std::string_view) override { return {}; }
};

// A refusal is an SMTP reply in good form.
void check(const ::milter::Verdict& verdict) {
  if (verdict.refuses()) CHECK(verdict.reply.size() > 4 && (verdict.reply[0] == '4' || verdict.reply[0] == '5') && !verdict.reply.contains('\0'));
}

}  // namespace

void milter(std::string_view data) {
  Peer::instance().say(data);
  static const auto filters = ::milter::parse_filters("milters", "unix:" + Peer::instance().path(), {});
  ::milter::Milter milter(filters->front(), {});
  const ::milter::Macros macros = [](std::string_view name) { return name == "i" ? std::optional<std::string>("0A1B2C") : std::nullopt; };
  check(milter.connect({.name = "client.example.net", .address = "192.0.2.1"}, macros));
  check(milter.helo("client.example.net", macros));
  check(milter.mail({"<joe@example.net>", "SIZE=1"}, macros));
  check(milter.rcpt({"<alice@example.test>"}, macros));
  check(milter.data(macros));
  if (milter.listens()) {
    check(milter.header("Subject", "x", macros));
    check(milter.end_of_header(macros));
    check(milter.body("text\r\n", macros));
    NoEditor editor;
    std::optional<base::Error> failure;
    check(milter.end_of_body(macros, editor, failure));
  }
  milter.abort();
  milter.quit();
}

void policy(std::string_view data) {
  Peer::instance().say(data);
  using std::chrono_literals::operator""s;
  static const smtpd::policy::PolicySettings settings{.timeout = 10s, .max_idle = 1s, .max_ttl = 1s, .retry_delay = 0s, .try_limit = 1, .request_limit = 0,
                                                      .default_action = "451 4.3.5 Server configuration problem", .context = {}};
  const auto client = smtpd::policy::PolicyClient::parse("unix:" + Peer::instance().path(), settings);
  const std::string action = (*client)->ask("request=smtpd_access_policy\n\n");
  CHECK(!action.contains('\n'));
}

void auth_client(std::string_view data) {
  Peer::instance().say(data);
  auto client = auth::Client::to("unix:" + Peer::instance().path());
  const auto mechanisms = client->mechanisms();
  if (!mechanisms) return;
  CHECK(mechanisms->size() <= auth::mechanisms_limit);
  auto started = client->start({.mechanism = "PLAIN", .service = "smtp", .local_address = "192.0.2.2", .remote_address = "192.0.2.1", .initial = "AGEAYg=="});
  if (!started) return;
  CHECK(started->answer.user.size() <= auth::user_limit);
  if (started->answer.kind != auth::Answer::Kind::challenge) return;
  if (const auto answer = started->exchange.go_on("AGEAYg==")) CHECK(answer->user.size() <= auth::user_limit);
}

}  // namespace fuzz
