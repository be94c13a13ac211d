#include "lib/imap/date_time.h"

#include <string>

#include "lib/testing/catch.h"

using std::chrono::minutes;

TEST_CASE("a date-time is a point in time and a zone") {
  const struct { std::string_view says; std::int64_t time; int zone; std::string_view seen; } table[] = {
      {"17-Jul-1996 02:44:25 -0700", 837596665, -420, "17-Jul-1996 02:44:25 -0700"},
      {" 7-jul-1996 02:44:25 +0000", 836707465, 0, "07-Jul-1996 02:44:25 +0000"},
      {"7-JUL-1996 02:44:25 +0000", 836707465, 0, "07-Jul-1996 02:44:25 +0000"},
      {"01-Jan-1970 05:45:00 +0545", 0, 345, "01-Jan-1970 05:45:00 +0545"},
      {"29-Feb-2024 23:59:60 -0030", 1709253000, -30, "01-Mar-2024 00:00:00 -0030"},
      {"31-Dec-1969 23:59:59 +0000", -1, 0, "31-Dec-1969 23:59:59 +0000"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    const auto date = imap::parse_date_time(row.says);
    REQUIRE(date);
    CHECK(date->time.time_since_epoch().count() == row.time);
    CHECK(date->zone == minutes(row.zone));
    CHECK(imap::date_time_text(*date) == row.seen);
  }
}

TEST_CASE("what is no date is none") {
  for (const std::string_view text :
       {"", "17-Jul-1996", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 GMT", "17-Jul-1996 02:44:25 0700", "17-Jul-1996  02:44:25 -0700", "17-Foo-1996 02:44:25 -0700",
        "32-Jul-1996 02:44:25 -0700", "00-Jul-1996 02:44:25 -0700", "17-Jul-1996 24:00:00 -0700", "17-Jul-1996 02:60:00 -0700", "17-Jul-1996 02:44:25 -0760",
        "17-Jul-96 02:44:25 -0700", "17-Jul-1996 2:44:25 -0700", "17-Jul-1996 02:44:25 -0700 ", "-1-Jul-1996 02:44:25 -0700"}) {
    INFO(text);
    CHECK_FALSE(imap::parse_date_time(text));
  }
  for (const std::string_view text : {"", "1", "x", "1-Feb-94", "32-Feb-1994", "0-Feb-1994", "1-Feb-1994 ", " 1-Feb-1994", "1-Febr-1994", "1-Feb-19940"}) {
    INFO(text);
    CHECK_FALSE(imap::parse_date(text));
  }
  CHECK(imap::parse_date("1-Feb-1994") == std::chrono::sys_days(std::chrono::year(1994) / 2 / 1));
  CHECK(imap::parse_date("31-Feb-1994") == std::chrono::sys_days(std::chrono::year(1994) / 3 / 3));
  CHECK(imap::parse_date("01-feb-1994") == imap::parse_date("1-Feb-1994"));
}

TEST_CASE("a stamp is shown in the local zone") {
  const auto stamp = Stamp(std::chrono::seconds(837596665));
  CHECK(imap::local_date_time(stamp).time.time_since_epoch().count() == 837596665);
}
