#include "lib/base/base64.h"

#include <string>

#include "lib/testing/catch.h"

namespace {

TEST_CASE("base64 is what RFC 4648 section 10 shows") {
  struct Vector {
    const char *bytes, *text;
  };
  constexpr Vector vectors[] = {{"", ""},          {"f", "Zg=="},      {"fo", "Zm8="},        {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "+/8="}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base::encode_base64(bytes) == text);
    CHECK(base::decode_base64(text) == bytes);
  }
  CHECK(base::decode_base64("AGEAYg==") == std::string("\0a\0b", 4));
}

TEST_CASE("what is no base64 is not decoded") {
  for (const char* text : {"=", "Z", "Zg", "Zg=", "Zg===", "Z===", "Zm9v=", "Z=9v", "Zm 9", "Zm9v\n", "Zm9\xff", "*", "Zg==Zg=="}) {
    INFO(text);
    CHECK(base::decode_base64(text) == std::nullopt);
  }
  CHECK(base::decode_base64(std::string_view("AA\0A", 4)) == std::nullopt);
}

}  // namespace
