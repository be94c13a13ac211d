#include "smtp/refused_logins.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
namespace refused_login = smtp::refused_login;

const smtp::Login joe{.user = "joe", .password = "wrong"};
// As Postfix wrote it.
constexpr std::string_view entry = "1795880349;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7.8;535 5.7.8 Error: authentication failed";

TEST_CASE("a refused login is kept as Postfix keeps it") {
  const smtp::ServerReply reply{.code = 535, .dsn = {5, 7, 8}, .text = "535 5.7.8 Error: authentication failed", .lines = {}};
  CHECK(refused_login::format(1795880349s, joe, reply) == entry);
  const auto found = refused_login::parse(entry, joe, 1795880350s, 90s);
  REQUIRE(found);
  CHECK((found->code == 535 && found->text == reply.text && found->dsn == reply.dsn));
}

TEST_CASE("a refusal counts for its password, and for a while") {
  CHECK(refused_login::parse(entry, joe, 1795880349s + 89s, 90s));
  CHECK_FALSE(refused_login::parse(entry, joe, 1795880349s + 90s, 90s));
  CHECK_FALSE(refused_login::parse(entry, joe, 1795880349s, 0s));
  CHECK_FALSE(refused_login::parse(entry, {.user = "joe", .password = "right"}, 1795880350s, 90s));
}

TEST_CASE("what is no entry refuses nobody") {
  for (const char* const text : {"", ";", "x;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7.8;535 no", "1795880349;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7;535 no",
                                 "1795880349;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7.8;no", "1795880349;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7.8",
                                 "99999999999999999999;pLSKgc2rHhpd03kH1shcocYd3Hw=;5.7.8;535 no"}) {
    INFO(text);
    CHECK_FALSE(refused_login::parse(text, joe, 1795880350s, 90s));
  }
}

}  // namespace
