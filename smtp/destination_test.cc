#include "smtp/destination.h"

#include "lib/testing/catch.h"

using smtp::Lookup;

namespace {

struct Vector {
  const char* text;
  const char* host;  // null: no destination
  int port;
  Lookup lookup;
};

void check(const Vector& vector, std::uint16_t default_port, smtp::Protocol protocol) {
  INFO(vector.text);
  const auto destination = smtp::parse_destination(vector.text, default_port, protocol, idna::Rules::idna2008,
                                                    config::KnownPorts("smtp=25, submission=587, lmtp=24"));
  REQUIRE(destination.has_value() == (vector.host != nullptr));
  if (!destination) return;
  CHECK(destination->host == vector.host);
  CHECK(destination->port == vector.port);
  CHECK(destination->lookup == vector.lookup);
  CHECK(destination->text == vector.text);
}

}  // namespace

TEST_CASE("destinations as transport tables and relayhost name them") {
  constexpr std::uint16_t smtp_port = 25;
  for (const Vector& vector : {Vector{"example.com", "example.com", 25, Lookup::mail_exchangers},
                               Vector{"example.com.", "example.com", 25, Lookup::mail_exchangers},
                               Vector{"example.com:587", "example.com", 587, Lookup::mail_exchangers},
                               Vector{"example.com:submission", "example.com", 587, Lookup::mail_exchangers},
                               Vector{"[mail.example.com]", "mail.example.com", 25, Lookup::host},
                               Vector{"[mail.example.com]:2525", "mail.example.com", 2525, Lookup::host},
                               Vector{"[192.0.2.1]:25", "192.0.2.1", 25, Lookup::host},
                               Vector{"[IPv6:2001:db8::1]", "2001:db8::1", 25, Lookup::host},
                               Vector{"[2001:db8::1]:26", "2001:db8::1", 26, Lookup::host},
                               Vector{"m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", 25, Lookup::mail_exchangers},
                               Vector{"[example.com", nullptr, 0, {}}, Vector{"[example.com]x", nullptr, 0, {}},
                               Vector{"example.com:nosuchservice", nullptr, 0, {}}, Vector{"[]", nullptr, 0, {}},
                               Vector{"example.com:99999", nullptr, 0, {}}}) {
    check(vector, smtp_port, smtp::Protocol::smtp);
  }
  CHECK(smtp::parse_destinations("a.example, [b.example]:26", smtp_port)->size() == 2);
}

TEST_CASE("destinations of LMTP are hosts or sockets") {
  constexpr std::uint16_t lmtp_port = 24;
  for (const Vector& vector : {Vector{"unix:private/dovecot-lmtp", "private/dovecot-lmtp", 0, Lookup::socket},
                               Vector{"unix:/run/a:b.", "/run/a:b.", 0, Lookup::socket},
                               Vector{"inet:mail.example.com", "mail.example.com", 24, Lookup::host},
                               Vector{"inet:mail.example.com:2003", "mail.example.com", 2003, Lookup::host},
                               Vector{"inet:[2001:db8::1]:26", "2001:db8::1", 26, Lookup::host},
                               Vector{"example.com", "example.com", 24, Lookup::host},
                               Vector{"127.0.0.1:lmtp", "127.0.0.1", 24, Lookup::host},
                               Vector{"unix:", nullptr, 0, {}}, Vector{"inet:", nullptr, 0, {}}}) {
    check(vector, lmtp_port, smtp::Protocol::lmtp);
  }
}
