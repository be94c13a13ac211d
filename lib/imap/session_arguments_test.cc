#include "lib/imap/session_arguments.h"

#include <algorithm>
#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

using imap::testing::arguments;

namespace {

// What a parser gives, or the words for BAD.
template <class Parse, class Show>
std::string read(std::string_view says, Parse&& parse, Show&& show) {
  const auto tree = arguments(says);
  const auto result = parse(tree.values());
  return result ? show(*result) : "!" + result.error().message();
}

std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += name + "=" + value + ";";
  return out;
}

}  // namespace

TEST_CASE("LOGIN and AUTHENTICATE") {
  const auto login = [](std::string_view says) {
    return read(says, imap::LoginArguments::parse, [](const imap::LoginArguments& it) { return it.user + ":" + it.password; });
  };
  CHECK(login("alice \"a b\"") == "alice:a b");
  CHECK(login("NIL {3+}\r\nabc") == "NIL:abc");
  for (const std::string_view says : {"", "a", "a (b)", "a b c"}) CHECK(login(says) == "!Invalid arguments");

  const auto authenticate = [](std::string_view says) {
    return read(says, imap::AuthenticateArguments::parse, [](const imap::AuthenticateArguments& it) { return it.mechanism + ":" + it.initial.value_or("none"); });
  };
  CHECK(authenticate("plain") == "PLAIN:none");
  CHECK(authenticate("PLAIN AGEAYg==") == "PLAIN:AGEAYg==");
  CHECK(authenticate("EXTERNAL =") == "EXTERNAL:=");
  for (const std::string_view says : {"", "(x)", "PLAIN \"x\"", "PLAIN a b"}) CHECK(authenticate(says) == "!Invalid arguments");
}

TEST_CASE("ENABLE, COMPRESS, ID and SETQUOTA") {
  const auto enable = [](std::string_view says) {
    return read(says, imap::parse_enable, [](const std::vector<std::string>& names) {
      std::string out;
      for (const auto& name : names) out += name + ";";
      return out;
    });
  };
  CHECK(enable("") == "");
  CHECK(enable("condstore FOO") == "CONDSTORE;FOO;");
  CHECK(enable("(x)") == "!Invalid arguments");
  CHECK(enable("\"QRESYNC\"") == "!Invalid arguments");

  const auto compress = [](std::string_view says) { return read(says, imap::parse_compress, [](const std::string& it) { return it; }); };
  CHECK(compress("deflate") == "DEFLATE");
  for (const std::string_view says : {"", "(x)", "DEFLATE x"}) CHECK(compress(says) == "!Invalid arguments");

  const auto id = [](std::string_view says) { return read(says, imap::parse_id, pairs_text); };
  CHECK(id("") == "");
  CHECK(id("NIL") == "");
  CHECK(id("()") == "");
  CHECK(id("(\"name\" \"x y\" \"os\" NIL \"v\" {1+}\r\n3)") == "name=x y;v=3;");
  CHECK(id("(\"a\")") == "");
  CHECK(id("(\"a\" \"b\" \"c\")") == "a=b;");
  for (const std::string_view says : {"x", "(x y)", "((a) b)", "(\"a\" (b))", "(\"a\" b)"}) CHECK(id(says) == "!Invalid ID parameters");
  std::string many;
  for (int i = 0; i < 40; ++i) many += "\"" + std::to_string(i) + "\" \"" + std::string(1100, 'x') + "\" ";
  const std::string seen = id("(" + many + ")");
  CHECK(seen.starts_with("0=" + std::string(imap::id_value_size_max, 'x') + ";1="));
  CHECK(std::ranges::count(seen, ';') == imap::id_pairs_limit);

  const auto quota = [](std::string_view says) {
    return read(says, imap::SetQuotaArguments::parse, [](const imap::SetQuotaArguments& it) {
      std::string out = it.root + ":";
      for (const auto& [name, limit] : it.limits) out += name + "=" + std::to_string(limit) + ";";
      return out;
    });
  };
  CHECK(quota("\"\" (storage 512 MESSAGE 0)") == ":STORAGE=512;MESSAGE=0;");
  CHECK(quota("x ()") == "x:");
  for (const std::string_view says : {"", "x", "x (STORAGE)", "x (STORAGE x)", "x (STORAGE 99999999999999999999)"}) CHECK(quota(says) == "!Invalid arguments");
}
