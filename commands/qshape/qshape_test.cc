#include "commands/qshape/ages.h"
#include "commands/qshape/counts.h"
#include "commands/qshape/table.h"
#include "lib/testing/catch.h"

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

TEST_CASE("an address is counted by its domain") {
  struct Case {
    std::string_view address, domain;
  };
  constexpr Case cases[] = {{"a@b", "b"},           {"A@B.Example", "b.example"}, {"", "MAILER-DAEMON"}, {"nobody", "nobody"},
                            {"a@b@two", "two"},     {"x@", ""},                   {"x@trail.", "trail"}, {"u@.lead.net", "lead.net"},
                            {"u@a..dd.net", "a.dd.net"}, {"u@[10.0.0.1]", "[10.0.0.1]"}};
  for (const Case& c : cases) CHECK(qshape::domain_of(c.address) == c.domain);
}

TEST_CASE("ages fall into columns that double, or that are all as wide") {
  const qshape::Ages doubling(4, 5, qshape::Scale::doubling);
  CHECK(doubling.titles() == std::vector<std::string>{"5", "10", "20", "20+"});
  CHECK(doubling.column(-1h) == 0);
  CHECK(doubling.column(299s) == 0);
  CHECK(doubling.column(300s) == 1);
  CHECK(doubling.column(1199s) == 2);
  CHECK(doubling.column(1200s) == 3);
  const qshape::Ages linear(3, 100, qshape::Scale::linear);
  CHECK(linear.titles() == std::vector<std::string>{"100", "200", "200+"});
  const qshape::Ages one(1, 5, qshape::Scale::doubling);
  CHECK(one.titles() == std::vector<std::string>{"0+"});
  CHECK(one.column(0s) == 0);
  CHECK(qshape::Ages(2, 1.5, qshape::Scale::linear).titles() == std::vector<std::string>{"1.5", "1.5+"});
}

TEST_CASE("a parent is shown when enough is below it, and no top level domain is one") {
  qshape::Counts counts(1, qshape::Parents::counted);
  for (const char* domain : {"b.x.net", "a.b.x.net", "c.a.b.x.net", "x.net", "net"}) counts.add(domain, 0);
  const auto names = [&](std::uint64_t children_min) {
    std::string out;
    for (const auto& [name, row] : counts.sorted(children_min)) {
      if (name.starts_with('.')) out += name + "=" + std::to_string(row->all) + " ";
    }
    return out;
  };
  CHECK(names(1) == ".x.net=3 .b.x.net=2 .a.b.x.net=1 ");
  CHECK(names(2) == ".x.net=3 .b.x.net=2 ");
  CHECK(names(3).empty());
}

TEST_CASE("a name that is too long loses its beginning") {
  qshape::Counts counts(1, qshape::Parents::counted);
  counts.add("abcdefghijklmnopqrst.uvwxyz", 0);
  counts.add("0.abcdefghijklmnopqrst.uvwxyz", 0);
  const std::string text = qshape::table(counts, qshape::Ages(1, 5, qshape::Scale::linear), {.width = 20, .rows = 9, .children_min = 1});
  CHECK(text ==
        "                    T 0+\n"
        "             TOTAL  2  2\n"
        "+klmnopqrst.uvwxyz  1  1\n"
        ".+lmnopqrst.uvwxyz  1  1\n"
        "+klmnopqrst.uvwxyz  1  1\n");
}
