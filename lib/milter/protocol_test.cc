#include "lib/milter/protocol.h"

#include <string>

#include "lib/testing/catch.h"

using std::string_view_literals::operator""sv;

TEST_CASE("a packet has its length before it") {
  CHECK(milter::packet(milter::Command::abort) == "\0\0\0\1A"sv);
  CHECK(milter::packet(milter::Command::helo, "x\0"sv) == "\0\0\0\3Hx\0"sv);
}

TEST_CASE("data is read to its end and no further") {
  milter::DataReader reader("\0\0\1\2name\0rest"sv);
  CHECK(reader.number() == 258U);
  CHECK(reader.string() == "name");
  CHECK(!reader.string().has_value());
  CHECK(reader.rest() == "rest");
  CHECK(!milter::DataReader("\0\0\0"sv).number().has_value());
}

TEST_CASE("a milter's reply is a refusal in good form, or none") {
  struct Row {
    std::string_view text;
    const char* reply;
  };
  const Row rows[] = {
      {"554 5.7.1 no", "554 5.7.1 no"},
      {"450 later", "450 later"},
      {"554 5.7.1 no\0more"sv, "554 5.7.1 no"},
      {"551-5.1.1 one\r\n551 5.1.1 two", "551-5.1.1 one\r\n551 5.1.1 two"},
      {"551 5.1.1 one\r\n", "551 5.1.1 one"},
      {"554 5.7.1 100% %%s %", "554 5.7.1 100 %s "},
      {"554 4.7.1 mixed", nullptr},
      {"250 2.0.0 fine", nullptr},
      {"554", nullptr},
      {"4", nullptr},
      {"", nullptr},
      {"abc", nullptr},
      {"551-5.1.1 one\r\n551-5.1.1 two", nullptr},
      {"551-5.1.1 one\r\n552 5.1.1 two", nullptr},
      {"551 5.1.1 one\r\n551 5.1.1 two", nullptr},
      {"551-", nullptr},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto reply = milter::parse_reply(row.text);
    if (row.reply == nullptr) CHECK(!reply.has_value());
    else CHECK(reply == std::string(row.reply));
  }
}

TEST_CASE("each protocol version knows its own steps") {
  CHECK(milter::steps_of(2) == 0x7fU);
  CHECK(milter::steps_of(3) == 0x17fU);
  CHECK(milter::steps_of(4) == 0x37fU);
  CHECK(milter::steps_of(6) == 0x1fffffU);
  CHECK(milter::steps_of(5) == 0U);
}
