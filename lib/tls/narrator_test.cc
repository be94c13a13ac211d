#include "lib/tls/narrator.h"

#include <string>

#include "lib/testing/catch.h"
#include "lib/tls/log_level.h"

using tls::Detail;
using tls::hex_dump;
using tls::LogLevel;
using tls::read_log_level;

TEST_CASE("a level is a number or a word, and the most of several") {
  struct Row {
    const char* value;
    LogLevel level;
  };
  const Row rows[] = {
      {"", {}},
      {"0", {}},
      {"1", {Detail::summary, false}},
      {"2", {Detail::steps, false}},
      {"3", {Detail::handshake, false}},
      {"4", {Detail::session, false}},
      {"9", {Detail::session, false}},
      {"Routine", {Detail::summary, false}},
      {"1, ssl-debug", {Detail::steps, false}},
      {"2 1", {Detail::steps, false}},
      {"trace", {Detail::none, true}},
      {"1,trace", {Detail::summary, true}},
      {"foo, 1", {Detail::summary, false}},
      {"10", {}},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(read_log_level("smtpd_tls_loglevel", row.value) == row.level);
  }
}

TEST_CASE("bytes are shown in rows of sixteen") {
  using Lines = std::vector<std::string>;
  using std::string_view_literals::operator""sv;
  CHECK(hex_dump("") == Lines{});
  CHECK(hex_dump("\x16\x03\x01\x02\x00"sv) == Lines{"0000 16 03 01 02                                      ....", "0004 - <SPACES/NULLS>"});
  CHECK(hex_dump("   "sv) == Lines{"0000 - <SPACES/NULLS>"});
  CHECK(hex_dump("abcdefghijklmnopq") == Lines{"0000 61 62 63 64 65 66 67 68|69 6a 6b 6c 6d 6e 6f 70  abcdefgh ijklmnop",
                                               "0010 71                                               q"});
  CHECK(hex_dump("12345678") == Lines{"0000 31 32 33 34 35 36 37 38|                         12345678 "});
}
