#include "lib/store/courier.h"

#include "lib/testing/mail_account.h"
#include "lib/testing/catch.h"

namespace store {
namespace {

TEST_CASE("UIDLs of courierpop3dsizelist") {
  const auto uidls = courier_uidls(
      "/3 20 1795895929\n"
      "1000.a.h:2,S 18 1:1795895929:0\n"
      "1001.b.h:2, 19 2:5:1\n"
      "1002.c.h:2, 19 0:0:0\n"               // called by its file
      "1002 c.h:2, 19 0:0:0\n"               // which could not be called so
      "1003.d.h:2, 19 4:0:0\n"
      "1004 e.h:2, 19 5:6:0\n"
      "1005.f.h:2, 19 xx\n"
      "1006.g.h:2, 19\n"
      "1007.h.h:2, 19 7\n"
      "1001.b.h:2,F 19 9:5:1\n"              // the last counts
      "1009.j.h 19 9:5:0\n"                   // no name in cur/
      " 1 2:3\n"
      "\n"
      "1008.i.h:2, 19 8:9:0");
  const CourierUidls expected = {{"1000.a.h", "UID1-1795895929"}, {"1001.b.h", "UID9-5"}, {"1002.c.h", "1002.c.h"}, {"1003.d.h", "UID4"},
                                 {"1004 e.h", "UID5-6"}, {"1008.i.h", "UID8-9"}};
  REQUIRE(uidls == expected);
  REQUIRE(courier_uidls("/2 20 17\n1000.a.h:2,S 18 1:17\n").at("1000.a.h") == "UID1-17");
  // Before version 2, Courier itself gives new ones.
  REQUIRE(courier_uidls("/1 20 17\n1000.a.h:2,S 18 1:17\n").empty());
  REQUIRE(courier_uidls("1000.a.h:2,S 18\n").empty());
  REQUIRE(courier_uidls("").empty());
}

using Named = std::map<std::string, std::vector<std::string>>;

Named named(const CourierKeywords& keywords) {
  Named named;
  for (const auto& [base, numbers] : keywords.messages()) {
    auto& names = named[base];
    for (const std::size_t number : numbers) names.push_back(keywords.names()[number]);
  }
  return named;
}

TEST_CASE("keywords of Courier's list") {
  CourierKeywords keywords;
  keywords.add_list("one\nTwo words\none\n\n1.h:0 1\n2.h,S=2:2\n3.h:7 x -1\n4.h:\n5.h\n6.h:0 x 1");
  REQUIRE(named(keywords) == Named{{"1.h", {"one", "Two_words"}}, {"2.h,S=2", {"one"}}, {"6.h", {"one", "Two_words"}}});
  keywords.set_message("1.h", "ONE\nneu\n\nnot read\n");
  keywords.set_message("2.h,S=2", "");
  keywords.set_message("7.h", "\\Seen\na%b");
  REQUIRE(named(keywords) == Named{{"1.h", {"one", "neu"}}, {"2.h,S=2", {}}, {"6.h", {"one", "Two_words"}}, {"7.h", {"_Seen", "a_b"}}});
  CourierKeywords nothing;
  nothing.add_list("");
  nothing.add_list("only\n");
  REQUIRE(nothing.messages().empty());
}

TEST_CASE("of a message's own files the latest counts") {
  const TestAccount test;
  { static_cast<void>(test.open()); }
  const std::string directory = test.root() + "courierimapkeywords/";
  const auto root = open_directory({test.root().substr(0, test.root().size() - 1), {}});
  REQUIRE(root);
  REQUIRE(CourierKeywords::read(*root)->messages().empty());
  std::filesystem::create_directory(directory);
  write_text(directory + ":list", "old\n\n1.h:0\n2.h:0\n3.h:0\n");
  write_text(directory + ".100.1.h", "before\n");
  write_text(directory + "1.h", "now\n");
  write_text(directory + ".99.2.h", "later\n");
  write_text(directory + ".100.2.h", "latest\n");
  write_text(directory + "2.h:2,S", "no message's\n");
  write_text(directory + ".x.3.h", "no time\n");
  write_text(directory + ".7.", "no name\n");
  REQUIRE(named(*CourierKeywords::read(*root)) == Named{{"1.h", {"now"}}, {"2.h", {"latest"}}, {"3.h", {"old"}}});
}

}  // namespace
}  // namespace store
