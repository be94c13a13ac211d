#include "lib/tls/ciphers.h"

#include <string>

#include <sys/socket.h>

#include "lib/base/fd.h"
#include "lib/tls/context.h"
#include "lib/tls/session.h"

#include "lib/testing/catch.h"

namespace {

tls::ServerSettings settings(const std::string& grade, const std::string& medium) {
  tls::ServerSettings out;
  out.common.cipher_lists = {.high = "HIGH", .medium = medium, .null = "eNULL"};
  out.credentials.rsa.certificate_file = "none";
  out.protocols = ">=TLSv1.2";
  out.cipher_grade = grade;
  out.fingerprint_digest = "sha256";
  return out;
}

std::string problem_of_session(const tls::ServerContext& context) {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
  const Fd ours(pair[0]), theirs(pair[1]);
  const auto session = tls::Session::accept(context, ours.get());
  return session ? "" : session.error().message();
}

TEST_CASE("ciphers are taken once for all sessions; which cannot be had each session tells") {
  const auto good = tls::ServerContext::make(settings("medium", "HIGH")).value();
  CHECK(good->has_ciphers());
  CHECK(problem_of_session(*good).empty());
  const auto no_grade = tls::ServerContext::make(settings("best", "HIGH")).value();
  CHECK_FALSE(no_grade->has_ciphers());
  const auto no_cipher = tls::ServerContext::make(settings("medium", "NO-SUCH")).value();
  CHECK_FALSE(no_cipher->has_ciphers());
  for (int i = 0; i < 2; ++i) {
    CHECK(problem_of_session(*no_grade) == "invalid cipher grade: \"best\"");
    CHECK(problem_of_session(*no_cipher) == "cannot use the cipher list \"NO-SUCH\"");
  }
}

}  // namespace
