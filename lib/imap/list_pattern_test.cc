#include "lib/imap/list_pattern.h"

#include <chrono>
#include <string>

#include "lib/testing/catch.h"

using imap::ListMatch;
using imap::ListPattern;

TEST_CASE("patterns match names and what is below") {
  const struct { std::string_view pattern, name; ListMatch match; } table[] = {
      {"*", "a", ListMatch::both},          {"*", "a/b", ListMatch::both},         {"%", "a", ListMatch::name},
      {"%", "a/b", ListMatch::none},        {"%/%", "a", ListMatch::below},        {"%/%", "a/b", ListMatch::name},
      {"a/%", "a", ListMatch::below},       {"a/%", "a/b", ListMatch::name},       {"a/%", "a/b/c", ListMatch::none},
      {"a/*", "a", ListMatch::below},       {"a/*", "a/b/c", ListMatch::both},     {"a*", "a", ListMatch::both},
      {"a%", "a", ListMatch::name},         {"a%", "ab", ListMatch::name},         {"a%", "b", ListMatch::none},
      {"*a", "a", ListMatch::both},         {"*a", "b", ListMatch::below},         {"%a", "ba", ListMatch::name},
      {"*b%c", "a/bxc", ListMatch::both},   {"*b%c", "b/c", ListMatch::below},     {"*%", "a/b", ListMatch::both},
      {"%*", "a/b", ListMatch::both},       {"a%b%c", "aXbYc", ListMatch::name},   {"a%b%c", "abbc", ListMatch::name},
      {"a%b%c", "ab/c", ListMatch::none},   {"a", "a", ListMatch::name},           {"a", "ab", ListMatch::none},
      {"ab", "a", ListMatch::none},         {"a/b", "a", ListMatch::below},        {"", "a", ListMatch::none},
      {"inbox", "INBOX", ListMatch::name},  {"InBox/%", "INBOX/a", ListMatch::name}, {"inb%", "INBOX", ListMatch::name},
      {"*box", "INBOX", ListMatch::both},   {"%iNbox", "INBOX", ListMatch::name},  {"inb*x", "INBOX/x", ListMatch::both},
      {"inbox/X", "INBOX/x", ListMatch::none}, {"INBOX", "inbox", ListMatch::none},
      {"inboxes", "INBOXes", ListMatch::none}, {"inbox%", "INBOX", ListMatch::name}, {"a/", "a", ListMatch::none},
      {"%/", "a", ListMatch::none},
  };
  for (const auto& row : table) {
    INFO(row.pattern << " " << row.name);
    CHECK(ListPattern(row.pattern, '/').match(row.name) == row.match);
  }
  CHECK(ListPattern("%", 0).match("a/b") == ListMatch::name);
  CHECK(ListPattern("a/*b", '/').prefix() == "a/");
  CHECK(ListPattern("a", '/').has_wildcard() == false);
}

TEST_CASE("no pattern is slow") {
  std::string pattern, name(250, 'a');
  for (int i = 0; i < 1000; ++i) pattern += i % 2 == 0 ? "%a" : "*a";
  pattern += "x";
  const auto start = std::chrono::steady_clock::now();
  const ListPattern hard(pattern, '/');
  for (int i = 0; i < 100; ++i) CHECK(hard.match(name) == ListMatch::below);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}
