// Milters against scripted peers are in test/system/test_milter*.py; here is what needs no peer.
#include "lib/milter/settings.h"
#include "lib/testing/catch.h"

TEST_CASE("a list of milters has addresses and settings of their own") {
  const auto filters = milter::parse_filters(
      "smtpd_milters", "inet:localhost:1, unix:/run/m { inet:[::1]:2, connect_timeout=5s, { default_action = accept } protocol=2 }", {});
  REQUIRE(filters.has_value());
  REQUIRE(filters->size() == 3);
  CHECK((*filters)[0].name == "inet:localhost:1");
  CHECK((*filters)[1].address.path == "/run/m");
  CHECK((*filters)[2].address.host == "::1");
  CHECK((*filters)[2].options.connect_timeout == std::chrono::seconds(5));
  CHECK((*filters)[2].options.default_action == milter::DefaultAction::accept);
  CHECK((*filters)[2].options.protocol == 2);
  CHECK((*filters)[0].options.protocol == 6);
}

TEST_CASE("a list of milters with a mistake is refused, and the mistake is named") {
  const auto why = [](std::string_view value) {
    const auto filters = milter::parse_filters("smtpd_milters", value, {});
    return filters ? std::string() : filters.error().message();
  };
  CHECK(why("localhost:1").contains("needs transport:endpoint instead of \"localhost:1\""));
  CHECK(why("inet:").contains("needs transport:endpoint"));
  CHECK(why("{ inet:a:1, foo=bar }").contains("unknown milter setting \"foo\""));
  CHECK(why("{ inet:a:1, default_action=maybe }").contains("bad milter_default_action value: maybe"));
  CHECK(why("{ inet:a:1, protocol=5 }").contains("need 2, 3, 4 or 6"));
  CHECK(why("{ inet:a:1, connect_timeout=0 }").contains("need 1 second"));
  CHECK(why("{ inet:a:1").contains("missing '}'"));
  CHECK(why("{ }").contains("without an address"));
}

TEST_CASE("defaults of macros are name=value pairs") {
  const auto defaults = milter::parse_macro_defaults("a=1, {b c}=2 { long = with space }, empty=");
  REQUIRE(defaults.has_value());
  CHECK(defaults->front() == std::pair<std::string, std::string>("a", "1"));
  CHECK(defaults->back() == std::pair<std::string, std::string>("empty", ""));
  CHECK(!milter::parse_macro_defaults("novalue").has_value());
}
