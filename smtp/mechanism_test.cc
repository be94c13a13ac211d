#include "smtp/mechanism.h"

#include <memory>
#include <string>

#include <gsasl.h>

#include "lib/testing/catch.h"

namespace smtp {
namespace {

const Login joe{"joe", "correct horse"};

// libgsasl's own server, which knows joe.
class Server {
 public:
  explicit Server(const char* mechanism) {
    REQUIRE(::gsasl_init(&library_) == GSASL_OK);
    ::gsasl_callback_set(library_, &Server::answer);
    REQUIRE(::gsasl_server_start(library_, mechanism, &session_) == GSASL_OK);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ::gsasl_finish(session_);
    ::gsasl_done(library_);
  }

  int step(const std::string& response, std::string& challenge) {
    char* out = nullptr;
    std::size_t size = 0;
    const int code = ::gsasl_step(session_, response.data(), response.size(), &out, &size);
    challenge.assign(out == nullptr ? "" : out, size);
    ::gsasl_free(out);
    return code;
  }

 private:
  static int answer(Gsasl*, Gsasl_session* session, Gsasl_property wanted) {
    switch (wanted) {
      case GSASL_VALIDATE_SIMPLE:
        return joe.user == ::gsasl_property_fast(session, GSASL_AUTHID) && joe.password == ::gsasl_property_fast(session, GSASL_PASSWORD)
                   ? GSASL_OK
                   : GSASL_AUTHENTICATION_ERROR;
      case GSASL_PASSWORD: return ::gsasl_property_set(session, GSASL_PASSWORD, joe.password.c_str());
      default: return GSASL_NO_CALLBACK;
    }
  }

  Gsasl* library_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

std::unique_ptr<Exchange> begin(std::string_view mechanism, const Login& login) {
  auto mechanisms = Mechanisms::open();
  REQUIRE(mechanisms);
  const Mechanism* const chosen = Mechanisms::choose({std::string(mechanism)}, {});
  REQUIRE(chosen != nullptr);
  auto exchange = mechanisms->begin(*chosen, login, "smtp", "mail.example.test");
  REQUIRE(exchange);
  return std::move(*exchange);
}

// Whether the server lets us in.
bool logs_in(const char* mechanism, const Login& login) {
  Server server(mechanism);
  const auto exchange = begin(mechanism, login);
  std::string challenge, response;
  int code = Mechanisms::choose({mechanism}, {})->begins ? GSASL_OK : server.step("", challenge);
  for (int turn = 0; turn < 6; ++turn) {
    const auto answered = exchange->respond(challenge);
    if (!answered) return false;
    code = server.step(*answered, challenge);
    if (code == GSASL_OK && !challenge.empty()) {
      // The server's last word travels as one more challenge.
      const auto last = exchange->respond(challenge);
      if (!last || !last->empty()) return false;
    }
    if (code != GSASL_NEEDS_MORE) break;
  }
  return code == GSASL_OK && exchange->trusts_server();
}

TEST_CASE("mechanisms: each logs in with the right password only") {
  for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN"}) {
    CAPTURE(mechanism);
    CHECK(logs_in(mechanism, joe));
    CHECK_FALSE(logs_in(mechanism, {"joe", "wrong"}));
    CHECK_FALSE(logs_in(mechanism, {"joe", ""}));
  }
}

TEST_CASE("mechanisms: the strongest that the options allow is chosen") {
  const auto choose = [](const std::vector<std::string>& offered, std::string_view options) {
    return Mechanisms::choose(offered, auth::SecurityOptions::parse("smtp_sasl_security_options", options).value());
  };
  const std::vector<std::string> all{"LOGIN", "plain", "XOAUTH2", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "GSSAPI"};
  CHECK(choose(all, "noplaintext")->name == "SCRAM-SHA-256");
  CHECK(choose({"PLAIN", "CRAM-MD5"}, "noanonymous")->name == "CRAM-MD5");
  CHECK(choose({"XOAUTH2", "LOGIN", "PLAIN"}, "")->name == "PLAIN");
  CHECK(choose({"XOAUTH2"}, "")->name == "XOAUTH2");
  CHECK(choose({"XOAUTH2", "PLAIN", "LOGIN", "OAUTHBEARER"}, "noplaintext") == nullptr);
  CHECK(choose({"CRAM-MD5"}, "mutual_auth") == nullptr);
  CHECK(choose(all, "forward_secrecy") == nullptr);
  CHECK(choose({}, "") == nullptr);
}

TEST_CASE("mechanisms: tokens") {
  const auto old = begin("XOAUTH2", {"joe@example.net", "ya29"});
  CHECK(old->respond("") == "user=joe@example.net\1auth=Bearer ya29\1\1");
  CHECK(old->respond("{\"status\":\"400\"}") == "");
  CHECK_FALSE(old->respond("again"));
  const auto standard = begin("OAUTHBEARER", {"a,b=c", "ya29"});
  CHECK(standard->respond("") == "n,a=a=2Cb=3Dc,\1auth=Bearer ya29\1\1");
  CHECK(standard->respond("{\"status\":\"invalid_token\"}") == "\1");
}

TEST_CASE("mechanisms: a server cannot keep us busy, nor succeed without proof") {
  const auto exchange = begin("SCRAM-SHA-1", joe);
  const auto first = exchange->respond("");
  REQUIRE(first);
  CHECK_FALSE(exchange->trusts_server());
  const std::string nonce = first->substr(first->find("r=") + 2);
  const auto second = exchange->respond("r=" + nonce + "more,s=QSXCR+Q6sek8bf92,i=2000000000");
  REQUIRE_FALSE(second);
  CHECK(second.error().reason == "authentication failure");
  CHECK_FALSE(exchange->trusts_server());
}

}  // namespace
}  // namespace smtp
