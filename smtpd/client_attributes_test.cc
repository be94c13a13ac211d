#include "smtpd/client_attributes.h"

#include "lib/base/ascii.h"
#include "lib/testing/catch.h"

namespace smtpd {
namespace {

auto parse(ClientVerb verb, std::string_view text, dns::Families families = dns::Families::both) {
  return parse_client_facts(verb, ascii::split(text, " "), families);
}

// The one value; "-" for none, "-?" for one that may come.
std::string value_of(ClientVerb verb, std::string_view word) {
  const auto facts = parse(verb, word);
  if (!facts) return facts.error().words();
  REQUIRE(facts->size() == 1);
  const ClientFact& fact = facts->front();
  return fact.value ? *fact.value : fact.may_come ? "-?" : "-";
}

constexpr ClientVerb xclient = ClientVerb::xclient, xforward = ClientVerb::xforward;

TEST_CASE("each verb announces the attributes that it takes") {
  CHECK(attribute_names(xclient) == "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT");
  CHECK(attribute_names(xforward) == "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT");
}

TEST_CASE("words say what a client is") {
  struct Row {
    ClientVerb verb;
    std::string_view word, value;
  };
  const Row rows[] = {
      {xclient, "NAME=host.example", "host.example"},
      {xclient, "name=[Unavailable]", "-"},
      {xclient, "NAME=[TEMPUNAVAIL]", "-?"},
      {xclient, "REVERSE_NAME=[TEMPUNAVAIL]", "-?"},
      {xclient, "ADDR=192.0.2.1", "192.0.2.1"},
      {xclient, "ADDR=IPV6:2001:DB8::1", "2001:db8::1"},
      {xclient, "addr=ipv6:::1", "::1"},
      {xclient, "PORT=00025", "00025"},
      {xclient, "PROTO=esmtp", "ESMTP"},
      {xclient, "HELO=a+20b", "a?b"},
      {xclient, "HELO=a+2Bb", "a+b"},
      {xclient, "HELO=a+2bb", "a+b"},
      {xclient, "LOGIN=joe+3Dx", "joe=x"},
      {xclient, "DESTADDR=127.0.0.1", "127.0.0.1"},
      {xclient, "DESTPORT=25", "25"},
      {xforward, "SOURCE=LOCAL", "local"},
      {xforward, "SOURCE=[UNAVAILABLE]", "-"},
      {xforward, "PROTO=[UNAVAILABLE]", "-"},
      {xforward, "PROTO=anything", "anything"},
      {xforward, "IDENT=ABC123", "ABC123"},
  };
  for (const Row& row : rows) {
    INFO(row.word);
    CHECK(value_of(row.verb, row.word) == row.value);
  }
}

TEST_CASE("what goes into logs and headers as it stands is fit for them") {
  CHECK(value_of(xclient, "LOGIN=joe+0D+0Afoo") == "joe??foo");
  CHECK_FALSE(value_of(xforward, "IDENT=a+0Ab").contains('\n'));
  CHECK_FALSE(value_of(xclient, "HELO=a+00b").contains('\0'));
}

TEST_CASE("a word that is wrong is refused, and the reply says which") {
  struct Row {
    ClientVerb verb;
    std::string word;
    std::string_view reply;
  };
  const Row rows[] = {
      {xclient, "NAME", "5.5.4 Error: attribute=value expected"},
      {xclient, "NAME=", "5.5.4 Error: attribute=value expected"},
      {xclient, "=x", "5.5.4 Bad XCLIENT attribute name: "},
      {xclient, "SOURCE=local", "5.5.4 Bad XCLIENT attribute name: SOURCE"},
      {xforward, "LOGIN=joe", "5.5.4 Bad XFORWARD attribute name: LOGIN"},
      {xforward, "REVERSE_NAME=a", "5.5.4 Bad XFORWARD attribute name: REVERSE_NAME"},
      {xclient, "NAME=a b", ""},
      {xclient, "NAME=-bad-.example", "5.5.4 Bad NAME syntax: -bad-.example"},
      {xforward, "NAME=[TEMPUNAVAIL]", "5.5.4 Bad NAME syntax: [TEMPUNAVAIL]"},
      {xclient, "ADDR=2001:db8::1", "5.5.4 Bad ADDR syntax: 2001:db8::1"},
      {xclient, "ADDR=IPV6:192.0.2.1", "5.5.4 Bad ADDR syntax: IPV6:192.0.2.1"},
      {xclient, "ADDR=192.0.2", "5.5.4 Bad ADDR syntax: 192.0.2"},
      {xclient, "PORT=123456", "5.5.4 Bad PORT syntax: 123456"},
      {xclient, "PORT=-1", "5.5.4 Bad PORT syntax: -1"},
      {xclient, "PROTO=HTTP", "5.5.4 Bad PROTO syntax: HTTP"},
      {xclient, "PROTO=[UNAVAILABLE]", "5.5.4 Bad PROTO syntax: [UNAVAILABLE]"},
      {xforward, "PROTO=" + std::string(65, 'x'), ""},
      {xforward, "SOURCE=elsewhere", "5.5.4 Bad SOURCE syntax: elsewhere"},
      {xclient, "HELO=a+2", "5.5.4 Bad HELO syntax: a+2"},
      {xclient, "HELO=a+zz", "5.5.4 Bad HELO syntax: a+zz"},
      {xclient, "HELO=" + std::string(256, 'x'), "5.5.4 Error: attribute value too long"},
  };
  for (const Row& row : rows) {
    INFO(row.word);
    const auto facts = parse(row.verb, row.word);
    REQUIRE_FALSE(facts);
    if (!row.reply.empty()) CHECK(facts.error().words() == row.reply);
    CHECK(facts.error().code() == 501);
  }
}

TEST_CASE("all words count, or none") {
  const auto facts = parse(xclient, "NAME=a.example ADDR=192.0.2.1 NAME=[UNAVAILABLE]");
  REQUIRE(facts);
  REQUIRE(facts->size() == 3);
  CHECK(facts->at(1).attribute == ClientAttribute::address);
  CHECK_FALSE(facts->at(2).value);
  CHECK_FALSE(parse(xclient, "NAME=a.example PORT=x"));
  const auto none = parse_client_facts(xforward, {}, dns::Families::both);
  REQUIRE_FALSE(none);
  CHECK(none.error().words() == "5.5.4 Syntax: XFORWARD attribute=value...");
}

TEST_CASE("an address of a family that is not used is no address") {
  CHECK_FALSE(parse(xclient, "ADDR=IPV6:::1", dns::Families::ipv4));
  CHECK_FALSE(parse(xclient, "ADDR=192.0.2.1", dns::Families::ipv6));
}

}  // namespace
}  // namespace smtpd
