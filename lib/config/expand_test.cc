#include "lib/config/expand.h"


#include <map>

#include "lib/testing/catch.h"

namespace {

config::Lookup from(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> Result<std::optional<std::string>> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

const auto lookup = from({{"d", "example.org"},
                          {"empty", ""},
                          {"to_nobody", "$nobody"},
                          {"loop", "x$pool"},
                          {"pool", "$loop"},
                          {"twice", "$d/$d"}});

std::string outcome(std::string_view text) {
  auto result = config::expand(text, lookup, config::Values::expanded);
  return result ? *result : "error: " + result.error().message();
}

struct Case {
  std::string_view text, result;
};

}  // namespace

// Every line was seen on Postfix 3.10.
TEST_CASE("macros expand as in Postfix") {
  constexpr Case cases[] = {
      {"plain", "plain"},
      {"$d.foo", "example.org.foo"},
      {"x$$y$$$$z", "x$y$$z"},
      {"${d}|$(d)|${ d }", "example.org|example.org|example.org"},
      {"[$nobody][${nobody}][$empty]", "[][][]"},
      {"$twice", "example.org/example.org"},
      {"${d?{yes}:{no}} ${nobody?{yes}:{no}}", "yes no"},
      {"${d ? {yes} : {no}}", "yes"},
      {"${d?yes $d}", "yes example.org"},
      {"$(d?yes)", "yes"},
      {"${nobody:x}${nobody:{y}}${d:z}", "xy"},
      {"${d?}|${nobody:}", "|"},
      {"${d?{a{b}c}}", "a{b}c"},
      {"{$d}", "{example.org}"},
      {"${{a} == {a} ? {eq} : {ne}}", "eq"},
      {"${{a} == {a}}", "true"},
      {"${{a} == {b}}x", "x"},
      {"${{2} < {10} ? {lt} : {ge}}", "lt"},
      {"${{2a} < {10} ? {lt} : {ge}}", "ge"},
      {"${{02} == {2} ? {number} : {text}}", "number"},
      {"${{$d}=={$d}?{eq}:{ne}}", "eq"},
      {"${{3.10} >=level {3.9} ? {ge} : {lt}}", "ge"},
      {"${{3} ==level {3.0} ? {eq} :{ne}}", "eq"},
      {"${{3} == {3} ? lt}", "lt"},
  };
  for (const Case& one : cases) CHECK(outcome(one.text) == one.result);
}

TEST_CASE("a value that is written is not empty, whatever it expands to") {
  CHECK(outcome("${to_nobody?{yes}:{no}}") == "yes");
}

TEST_CASE("what is not understood is named with its place") {
  constexpr Case cases[] = {
      {"${d", "error: truncated macro reference: \"${d\""},
      {"$(d", "error: truncated macro reference: \"$(d\""},
      {"$", "error: empty macro name: \"$\""},
      {"a$-b", "error: empty macro name: \"a$-b\""},
      {"${}", "error: empty macro name: \"${}\""},
      {"${d!x}", "error: attribute name syntax error at: \"...d>>>!x\""},
      {"${d?{yes}:{no} x}", "error: unexpected input at: \"...d?{yes}:{no}>>>x\""},
      {"${d?{yes} x}", "error: \":\" expected at: \"...d?{yes}>>>x\""},
      {"${{3.x} >=level {3.9}}", "error: malformed compatibility level syntax: \"3.x\""},
  };
  for (const Case& one : cases) CHECK(outcome(one.text) == one.result);
}

TEST_CASE("values that refer to each other end in an error") {
  CHECK(outcome("$loop").starts_with("error: unreasonable macro call nesting: "));
}

TEST_CASE("a peer's value is not expanded") {
  const auto result = config::expand("<$text>", from({{"text", "$d ${"}}), config::Values::verbatim);
  CHECK(result.value() == "<$d ${>");
}

TEST_CASE("domains have two forms") {
  CHECK(outcome("${domain_to_ascii{b\xc3\xbc" "cher.$d}}") == "xn--bcher-kva.example.org");
  CHECK(outcome("${domain_to_utf8{xn--bcher-kva.example}}") == "b\xc3\xbc" "cher.example");
}
