#include "lib/smtp/proxy_header.h"

#include <array>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"

#include "lib/testing/catch.h"

namespace {

using std::string_view_literals::operator""sv;
using dns::Families;

constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::string_view v4_body = "\xC0\0\2\7\xC0\0\2\1\x12\x67\0\x19"sv;   // 192.0.2.7 to 192.0.2.1, 4711 to 25

// Version, command, family and protocol, then the length and what follows.
std::string binary(std::string_view kind, std::string_view body) {
  std::string out(signature);
  out += kind;
  out += static_cast<char>(body.size() >> 8U);
  out += static_cast<char>(body.size() & 0xFFU);
  return out += body;
}

// Who talks to whom, or what is wrong.
std::string verdict(std::string_view bytes, Families families = Families::both) {
  const auto header = smtp::parse_proxy_header(bytes, families);
  if (!header) return std::string(header.error());
  if (!header->client) return "nobody";
  return header->client->text() + " > " + header->server->text();
}

TEST_CASE("a line of the PROXY protocol names client and server") {
  const std::string_view line = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\nEHLO a\r\n";
  const auto header = smtp::parse_proxy_header(line, Families::both);
  REQUIRE(header);
  CHECK(line.substr(header->size) == "EHLO a\r\n");
  CHECK(verdict(line) == "192.0.2.7:4711 > 192.0.2.1:25");
  CHECK(verdict("PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n") == "[2001:db8::7]:4711 > [2001:db8::1]:25");
  CHECK(verdict("PROXY tcp4 192.0.2.7 192.0.2.1 0 65535\n") == "192.0.2.7:0 > 192.0.2.1:65535");
}

TEST_CASE("a line that is none says what is wrong with it") {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> rows{{
      {"PROXY UNKNOWN\r\n", "bad or missing protocol type"},
      {"PROXY \r\n", "bad or missing protocol type"},
      {"PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n", "bad or missing protocol type"},
      {"PROXY TCP4\r\n", "bad or missing client address"},
      {"PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n", "bad or missing client address"},
      {"PROXY TCP6 192.0.2.7 2001:db8::1 1 2\r\n", "bad or missing client address"},
      {"PROXY TCP4 192.0.2.7 x 1 2\r\n", "bad or missing server address"},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n", "bad or missing client port"},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n", "bad or missing client port"},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n", "bad or missing server port"},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 1 2", "missing protocol header terminator"},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\0\r\n"sv, "missing protocol header terminator"},
      {"PROXY", "short protocol header"},
      {"EHLO client.example\r\n", "unrecognized protocol header"},
  }};
  for (const auto& [line, complaint] : rows) CHECK(verdict(line) == complaint);
  CHECK(verdict("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", Families::ipv4) == "bad or missing protocol type");
}

TEST_CASE("version 2 has the same in bytes, and may have more behind it") {
  CHECK(verdict(binary("\x21\x11", v4_body)) == "192.0.2.7:4711 > 192.0.2.1:25");
  CHECK(verdict(binary("\x21\x11", std::string(v4_body) + "\4\0\2xx")) == "192.0.2.7:4711 > 192.0.2.1:25");
  std::string v6_body(32, '\0');
  v6_body[15] = 1;
  v6_body[31] = 2;
  v6_body += "\0\1\0\2"sv;
  CHECK(verdict(binary("\x21\x21", v6_body)) == "[::1]:1 > [::2]:2");
  CHECK(verdict(binary("\x20\0"sv, "")) == "nobody");
  CHECK(verdict(binary("\x20\x11", v4_body)) == "nobody");
  const std::string whole = binary("\x21\x11", v4_body) + "EHLO";
  CHECK(whole.substr(smtp::parse_proxy_header(whole, Families::both)->size) == "EHLO");
}

TEST_CASE("version 2 that is none says what is wrong with it") {
  CHECK(verdict(binary("\x11\x11", v4_body)) == "unrecognized protocol version");
  CHECK(verdict(binary("\x22\x11", v4_body)) == "bad command in proxy header");
  CHECK(verdict(binary("\x21\x12", v4_body)) == "unsupported network protocol");
  CHECK(verdict(binary("\x21\x11", v4_body.substr(1))) == "short address field");
  CHECK(verdict(binary("\x21\x21", v4_body)) == "short address field");
  CHECK(verdict(binary("\x21\x11", v4_body), Families::ipv6) == "Postfix IPv4 support is disabled");
  CHECK(verdict(binary("\x21\x21", v4_body), Families::ipv4) == "Postfix IPv6 support is disabled");
  CHECK(verdict(std::string(signature) + "\x21\x11\xFF\xFF") == "short version 2 protocol header");
}

TEST_CASE("no part of a header is taken for a whole one") {
  const std::string whole = binary("\x21\x11", v4_body);
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(smtp::parse_proxy_header(whole.substr(0, size), Families::both));
  const std::string_view line = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n";
  for (std::size_t size = 0; size < line.size(); ++size) CHECK_FALSE(smtp::parse_proxy_header(line.substr(0, size), Families::both));
}

TEST_CASE("a header is taken from a socket to the byte") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const auto take = [&] { return smtp::take_proxy_header(ours.get(), Families::both, base::after(std::chrono::milliseconds(1)), "late"); };
  const auto say = [&](std::string_view bytes) { REQUIRE(::write(theirs.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())); };
  CHECK(take().error() == "late");
  say("PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\nEHLO a\r\n");
  CHECK(take()->client->text() == "192.0.2.7:4711");
  CHECK(take().error() == "short protocol header: EHLO a\\r\\n");   // and it stays
  std::array<char, 20> rest{};
  CHECK(::read(ours.get(), rest.data(), rest.size()) == 8);
  theirs = Fd();
  CHECK(take().error() == "EOF");
}

}  // namespace
