// The words about mechanisms, and lines of the protocol.

#include "lib/auth/mechanism.h"
#include "lib/auth/wire.h"
#include "lib/testing/catch.h"

namespace {

using auth::Property;

TEST_CASE("security options say what a mechanism must not or must be") {
  const auto allows = [](std::string_view options, Property properties) {
    const auto read = auth::SecurityOptions::parse("smtpd_sasl_security_options", options);
    REQUIRE(read.has_value());
    return read->allow(properties);
  };
  CHECK(allows("", Property::plaintext | Property::anonymous));
  CHECK_FALSE(allows("noplaintext, noanonymous", Property::plaintext));
  CHECK_FALSE(allows("noanonymous", Property::anonymous));
  CHECK(allows("NoPlaintext noanonymous", Property::dictionary | Property::active));
  CHECK_FALSE(allows("nodictionary", Property::dictionary | Property::active));
  CHECK_FALSE(allows("forward_secrecy", Property::none));
  CHECK_FALSE(allows("forward_secrecy,mutual_auth", Property::forward_secrecy));
  CHECK(allows("forward_secrecy,mutual_auth", Property::forward_secrecy | Property::mutual_auth));
  CHECK(auth::SecurityOptions::parse("smtpd_sasl_security_options", "noanonymous, nofoo").error().message() ==
        "smtpd_sasl_security_options: unknown SASL security option \"nofoo\" in \"noanonymous, nofoo\"");
}

TEST_CASE("a line is a command and fields") {
  const auth::WireLine line = auth::WireLine::parse("FAIL\t17\tuser=a\1tb\1\x31\ttemp\treason=\t");
  CHECK(line.command == "FAIL");
  CHECK(line.id() == 17);
  CHECK(line.has("temp"));
  CHECK_FALSE(line.has("user"));
  CHECK(line.value("user") == "a\tb\1");
  CHECK(line.value("reason") == "");
  CHECK(line.value("temp") == std::nullopt);
  CHECK(line.fields.size() == 5);
  CHECK(auth::WireLine::parse("DONE").fields.empty());
  CHECK(auth::WireLine::parse("").command.empty());
  for (const char* text : {"FAIL", "FAIL\t", "FAIL\t-1", "FAIL\t4294967296", "FAIL\tx"}) CHECK(auth::WireLine::parse(text).id() == std::nullopt);
}

TEST_CASE("escapes hold every byte, and a torn one is no more than itself") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string escaped = auth::escape_field(all);
  CHECK(escaped.find_first_of(std::string_view("\0\t\r\n", 4)) == std::string::npos);
  CHECK(auth::unescape_field(escaped) == all);
  CHECK(auth::unescape_field("a\1") == "a\1");
  CHECK(auth::unescape_field("\1x") == "x");
}

TEST_CASE("properties have their words") {
  CHECK(auth::property_words(Property::plaintext) == "\tplaintext");
  CHECK(auth::property_words(Property::dictionary | Property::active) == "\tdictionary\tactive");
  CHECK(auth::property_of("forward-secrecy") == Property::forward_secrecy);
  CHECK(auth::property_of("channel-binding") == Property::none);
}

}  // namespace
