#include "lib/imap/response_writer.h"

#include <string>
#include <vector>

#include "lib/testing/catch.h"

namespace {

template <class Write>
std::string written(Write&& write) {
  std::string out;
  write(out);
  return out;
}

}  // namespace

TEST_CASE("strings are quoted or literals, as Dovecot has them") {
  using std::string_literals::operator""s;
  const struct { std::string text, string, astring; } table[] = {
      {"", "\"\"", "\"\""},
      {"abc", "\"abc\"", "abc"},
      {"a b", "\"a b\"", "\"a b\""},
      {"nil", "\"nil\"", "\"nil\""},
      {"say \"hi\"", "{8}\r\nsay \"hi\"", "\"say \\\"hi\\\"\""},
      {"back\\slash", "{10}\r\nback\\slash", "\"back\\\\slash\""},
      {"a\tb", "{3}\r\na\tb", "\"a\tb\""},
      {"a\rb", "{3}\r\na\rb", "{3}\r\na\rb"},
      {"a\nb", "{3}\r\na\nb", "{3}\r\na\nb"},
      {"caf\xc3\xa9", "{5}\r\ncaf\xc3\xa9", "\"caf\xc3\xa9\""},
      {"caf\xe9", "{4}\r\ncaf\xe9", "{4}\r\ncaf\xe9"},
      {"a\0b"s, "{3}\r\na\x80" "b", "{3}\r\na\x80" "b"},
      {"a]b", "\"a]b\"", "a]b"},
      {"a%b", "\"a%b\"", "\"a%b\""},
      {"a{b", "\"a{b\"", "\"a{b\""},
      {std::string(5000, 'x'), "{5000}\r\n" + std::string(5000, 'x'), std::string(5000, 'x')},
  };
  for (const auto& row : table) {
    CHECK(written([&](std::string& out) { imap::append_string(out, row.text); }) == row.string);
    CHECK(written([&](std::string& out) { imap::append_astring(out, row.text); }) == row.astring);
  }
  CHECK(written([](std::string& out) { imap::append_quoted_or_nil(out, ""); }) == "NIL");
  CHECK(written([](std::string& out) { imap::append_literal8_header(out, 5); }) == "~{5}\r\n");
}

TEST_CASE("flags have Dovecot's order") {
  const std::vector<std::string> keywords{"$a", "b"};
  CHECK(written([&](std::string& out) { imap::append_flags(out, 63, keywords); }) == "(\\Answered \\Flagged \\Deleted \\Seen \\Draft \\Recent $a b)");
  CHECK(written([&](std::string& out) { imap::append_flags(out, 0, {}); }) == "()");
}

TEST_CASE("a status is one line") {
  using imap::Status;
  std::string out;
  imap::append_status(out, "a1", Status::ok, "UIDNEXT 5", "Done.");
  imap::append_status(out, "*", Status::bye, "", "Good\r\nbye");
  imap::append_status(out, "", Status::no, "X\n", "no");
  imap::append_syntax_error(out, "a", "SELECT", "Missing ')'");
  imap::append_syntax_error(out, "a", "", "Invalid command name");
  imap::append_syntax_error(out, "", "", "Invalid tag");
  imap::append_untagged(out, "ENABLED");
  imap::append_number(out, 23, "EXISTS");
  CHECK(out == "a1 OK [UIDNEXT 5] Done.\r\n* BYE Good  bye\r\n* NO [X ] no\r\na BAD Error in IMAP command SELECT: Missing ')'\r\n"
               "a BAD Error in IMAP command: Invalid command name\r\n* BAD Error in IMAP tag: Invalid tag\r\n* ENABLED\r\n* 23 EXISTS\r\n");
}

TEST_CASE("searches, sets and mailboxes are shown") {
  std::string out;
  const std::vector<std::uint32_t> numbers{3, 1};
  imap::append_search(out, "SORT", numbers, 0);
  imap::append_search(out, "SEARCH", numbers, 7);
  imap::append_search(out, "SEARCH", {}, 0);
  imap::EsearchWriter esearch(out, "a\"1", imap::Numbering::uid);
  esearch.number("MIN", 1);
  esearch.set("ALL", "1:3");
  esearch.partial("1:5", "");
  esearch.relevancy(2);
  esearch.relevancy(0);
  esearch.update("REMOVEFROM", "3,5");
  esearch.close();
  imap::append_vanished(out, imap::Vanished::earlier, imap::NumberSet::of({{1, 3}, {7, 7}}));
  imap::append_vanished(out, imap::Vanished::now, {});
  imap::StatusWriter status(out, "a b");
  status.number(imap::StatusItem::messages, 5);
  status.text(imap::StatusItem::x_guid, "00ff");
  status.close();
  const std::string_view attributes[] = {"\\HasNoChildren", "\\Sent"};
  imap::append_list(out, "LIST", attributes, '/', "nil");
  out += ' ';
  imap::append_list(out, "LSUB", {}, 0, "x");
  CHECK(out == "* SORT 3 1\r\n* SEARCH 3 1 (MODSEQ 7)\r\n* SEARCH\r\n* ESEARCH (TAG \"a\\\"1\") UID MIN 1 ALL 1:3 PARTIAL (1:5 NIL) RELEVANCY (1 1) RELEVANCY () REMOVEFROM (0 3,5)\r\n"
               "* VANISHED (EARLIER) 1:3,7\r\n* STATUS \"a b\" (MESSAGES 5 X-GUID 00ff)\r\n"
               "* LIST (\\HasNoChildren \\Sent) \"/\" \"nil\" * LSUB () NIL x");

  std::vector<imap::Range> many;
  for (std::uint32_t i = 0; i < 501; ++i) many.push_back({2 * i + 1, 2 * i + 1});
  const std::string lines = written([&](std::string& text) { imap::append_vanished(text, imap::Vanished::now, imap::NumberSet::of(many)); });
  CHECK(lines.ends_with(",999\r\n* VANISHED 1001\r\n"));
}
