#include "lib/base/ascii.h"

#include "lib/testing/catch.h"

TEST_CASE("numbers are whole, unsigned and within their limit") {
  CHECK(ascii::parse_number("0") == 0U);
  CHECK(ascii::parse_number("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(ascii::parse_number("18446744073709551616"));
  CHECK(ascii::parse_number("255", 255) == 255U);
  CHECK_FALSE(ascii::parse_number("256", 255));
  CHECK_FALSE(ascii::parse_number("9", 5));
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1a"}) CHECK_FALSE(ascii::parse_number(bad));
}

TEST_CASE("a log line takes no control character and no broken UTF-8 from a peer") {
  CHECK(ascii::printable("plain text") == "plain text");
  CHECK(ascii::printable("a\r\nb\x1b[0m\x7f") == "a??b?[0m?");
  CHECK(ascii::printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(ascii::printable("\xc3") == "?");
  CHECK(ascii::printable("\xc0\xaf") == "??");
  CHECK(ascii::printable("\xed\xa0\x80") == "???");
  CHECK(ascii::printable("\xc2\x85") == "??");
  CHECK(ascii::printable("\xf0\x9f\x93\xac") == "\xf0\x9f\x93\xac");
}

TEST_CASE("split drops empty parts") {
  CHECK(ascii::split("a, b,,c", ", ") == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(ascii::split("", ",").empty());
  CHECK(ascii::split(" , ", ", ").empty());
}
