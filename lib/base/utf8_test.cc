#include "lib/base/utf8.h"

#include "lib/testing/catch.h"

namespace {

TEST_CASE("UTF-8 is what RFC 3629 says") {
  for (const std::string_view text : {"", "a", "é", "日本", "😀", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) CHECK(base::is_utf8(text));
  for (const std::string_view text : {std::string_view("\xc3"), std::string_view("\xc0\x80"), std::string_view("\xc1\xbf"),
                                      std::string_view("\xe0\x80\x80"), std::string_view("\xe0\x9f\xbf"), std::string_view("\xed\xa0\x80"),
                                      std::string_view("\xf0\x8f\xbf\xbf"), std::string_view("\xf4\x90\x80\x80"), std::string_view("\xf5\x80\x80\x80"),
                                      std::string_view("\xff"), std::string_view("\x80"), std::string_view("a\xe6\x97z")}) {
    CHECK_FALSE(base::is_utf8(text));
  }
  CHECK(base::is_utf8(std::string_view("\0", 1)));
}

TEST_CASE("characters come off and go on") {
  std::string out;
  int malformed = 0;
  for (std::string_view rest = "aé日😀\xff!"; !rest.empty();) {
    const auto c = base::take_character(rest);
    if (c) base::append_character(out, *c);
    else ++malformed;
  }
  CHECK(out == "aé日😀!");
  CHECK(malformed == 1);
}

}  // namespace
