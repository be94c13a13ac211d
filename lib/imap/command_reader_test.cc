#include "lib/imap/command_reader.h"

#include <string>
#include <vector>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

namespace {

using imap::ReadEnd;
using imap::Token;
using imap::ValueKind;
using imap::testing::Client;
using imap::testing::soon;

// "atom 'quoted' {literal} [list]".
std::string shown(imap::Values values) {
  std::string out;
  for (const imap::Value value : values) {
    if (!out.empty()) out += ' ';
    switch (value.kind()) {
      case ValueKind::atom: out += value.text(); break;
      case ValueKind::quoted: out += "'" + std::string(value.text()) + "'"; break;
      case ValueKind::literal:
      case ValueKind::literal8: out += "{" + std::string(value.text()) + "}"; break;
      case ValueKind::list: out += "[" + shown(value.list()) + "]"; break;
    }
  }
  return out;
}

// All commands of a client: "tag|NAME|arguments", or "tag|NAME|!words" and "!!words" for what ends the connection.
std::vector<std::string> read_all(Client& client) {
  std::vector<std::string> seen;
  imap::Command command;
  for (;;) {
    ReadEnd end = client.reader().begin(command, soon());
    if (end == ReadEnd::ok) end = client.reader().finish(command, soon());
    const std::string start = command.tag + "|" + command.name + "|";
    if (end == ReadEnd::ok) seen.push_back(start + shown(command.arguments.values()));
    else if (end != ReadEnd::fault) return seen;
    else seen.push_back(start + (client.reader().fault().is_final ? "!!" : "!") + client.reader().fault().text);
    if (end == ReadEnd::fault && client.reader().fault().is_final) return seen;
  }
}

std::vector<std::string> read_all(std::string_view says, const imap::ReaderLimits& limits = imap::limits_after_login) {
  Client client(says, limits);
  return read_all(client);
}

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a command is a tag, a name and a tree of arguments") {
  const struct { std::string_view says, seen; } table[] = {
      {"a NOOP\r\n", "a|NOOP|"},
      {"a noop\n", "a|NOOP|"},
      {"A.1]x uid fetch 1:* (flags UID)\r\n", "A.1]x|UID FETCH|1:* [flags UID]"},
      {"a LOGIN  \"a b\"   \"c\\\"\\\\d\" \r\n", "a|LOGIN|'a b' 'c\"\\d'"},
      {"a SELECT \"INBOX\"x\r\n", "a|SELECT|'INBOX' x"},
      {"a X (a (b () \"c\")d)(e)\r\n", "a|X|[a [b [] 'c'] d] [e]"},
      {"a X {3+}\r\na\r\n {0+}\r\n \"\"\r\n", "a|X|{a\r\n} {} ''"},
      {"a X ({3}\r\nabc{1}\r\nd)\r\n", "a|X|[{abc} {d}]"},
      {"a FETCH 1 BODY.PEEK[HEADER.FIELDS (TO \"X-Y\")]<0.10>\r\n", "a|FETCH|1 BODY.PEEK[HEADER.FIELDS [TO 'X-Y'] ]<0.10>"},
      {"a X NIL \\Seen $ ~ a~{ %*\r\n", "a|X|!Invalid characters in atom"},
      {"a X NIL \\Seen $ ~ a~ %*\r\n", "a|X|NIL \\Seen $ ~ a~ %*"},
      {"a X \"\xc3\xa9\"\r\n", "a|X|'\xc3\xa9'"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read_all(row.says) == std::vector<std::string>{std::string(row.seen)});
  }
}

TEST_CASE("a fault is told in Dovecot's words, and the next command is read") {
  const struct { std::string_view says, seen; } table[] = {
      {"a\r\n", "a||!Invalid command name"},
      {"a \r\n", "a||!Invalid command name"},
      {"\r\n", "||!Invalid tag"},
      {"* NOOP\r\n", "||!Invalid tag"},
      {"+ NOOP\r\n", "||!Invalid tag"},
      {"a( NOOP\r\n", "||!Invalid tag"},
      {"\xff NOOP\r\n", "||!Invalid tag"},
      {"a  NOOP\r\n", "a||!Invalid command name"},
      {"a NO\"OP\r\n", "a||!Invalid command name"},
      {"a UID\r\n", "a||!Invalid command name"},
      {"a SELECT (\r\n", "a|SELECT|!Missing ')'"},
      {"a SELECT )\r\n", "a|SELECT|!Unexpected ')'"},
      {"a SELECT INBOX)\r\n", "a|SELECT|!Unexpected ')'"},
      {"a SELECT \"x\r\n", "a|SELECT|!Missing '\"'"},
      {"a SELECT \"x\\\r\n", "a|SELECT|!Missing '\"'"},
      {"a SELECT \xff\r\n", "a|SELECT|!8bit data in atom"},
      {"a SELECT a\001b\r\n", "a|SELECT|!Invalid characters in atom"},
      {"a SELECT {3x}\r\n", "a|SELECT|!Invalid literal size"},
      {"a SELECT {-1}\r\n", "a|SELECT|!Invalid literal size"},
      {"a SELECT {3+} \r\n", "a|SELECT|!Missing LF after literal size"},
      {"a SELECT ~{3}\r\n", "a|SELECT|!literal8 not allowed here"},
      {"a SELECT (~{3}\r\n", "a|SELECT|!literal8 not allowed here"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    CHECK(read_all(std::string(row.says) + "b NOOP\r\n") == std::vector<std::string>{std::string(row.seen), "b|NOOP|"});
  }
  using std::string_literals::operator""s;
  CHECK(read_all("a X \"b\0\" c\r\nb NOOP\r\n"s) == std::vector<std::string>{"a|X|!NULs not allowed in strings", "b|NOOP|"});
  CHECK(read_all("a X \"b\\\0\" c\r\nb NOOP\r\n"s) == std::vector<std::string>{"a|X|!NULs not allowed in strings", "b|NOOP|"});
  CHECK(read_all("a X {1+}\r\n\0 c\r\nb NOOP\r\n"s) == std::vector<std::string>{"a|X|!NULs not allowed in strings", "b|NOOP|"});
}

TEST_CASE("a literal that is refused is never taken for commands") {
  const std::string bad = "b NOOP\r\n";
  const struct { std::string says, seen; } table[] = {
      {"a SELECT ~{8+}\r\n" + bad + "\r\n", "a|SELECT|!literal8 not allowed here"},
      {"a SELECT ) {8+}\r\n" + bad + " {8+}\r\n" + bad + "\r\n", "a|SELECT|!Unexpected ')'"},
      {"a SELECT \xff {8+}\r\n" + bad + "\r\n", "a|SELECT|!8bit data in atom"},
      {"a {8+}\r\n" + bad + "\r\n", "a||!Invalid command name"},
      {"{8+}\r\n" + bad + "\r\n", "||!Invalid tag"},
      // Who asks first sends nothing after BAD.
      {"a SELECT ) {8}\r\n", "a|SELECT|!Unexpected ')'"},
      {"a SELECT " + std::string(70000, 'x') + " {8+}\r\n" + bad + "\r\n", "a|SELECT|!IMAP command line too large"},
  };
  for (const auto& row : table) {
    INFO(row.says.substr(0, 100));
    CHECK(read_all(row.says + "c NOOP\r\n") == std::vector<std::string>{row.seen, "c|NOOP|"});
  }
  // Too far to go: the connection ends.
  CHECK(read_all("a X ) {99999999999999999999+}\r\n") == std::vector<std::string>{"a|X|!!Unexpected ')'"});
  CHECK(read_all("a X ) {5000+}\r\n", imap::limits_before_login) == std::vector<std::string>{"a|X|!!Unexpected ')'"});
}

TEST_CASE("what is too large ends the command or the connection") {
  const auto& before = imap::limits_before_login;
  const auto& after = imap::limits_after_login;
  const struct { std::string says, seen; const imap::ReaderLimits& limits; } table[] = {
      {"a LOGIN {4294967295}\r\n", "a|LOGIN|!!Literal size too large", before},
      {"a LOGIN {18446744073709551615}\r\n", "a|LOGIN|!!Literal size too large", before},
      {"a LOGIN {1000000000+}\r\n", "a|LOGIN|!!Literal size too large", before},
      {"a LOGIN {4097}\r\n", "a|LOGIN|!!Literal size too large", before},
      {"a X {100000}\r\n", "a|X|!!Literal size too large", after},
      {"a X " + times(17, "{0+}\r\n"), "a|X|!Too many literals", before},
      {"a X " + times(3, "{4000+}\r\n" + std::string(4000, 'x')), "a|X|!!Literal size too large", before},
      {"a X " + times(9, "("), "a|X|!Too many '('", before},
      {"a X " + times(8, "("), "a|X|!Missing ')'", before},
      {"a X " + times(101, "("), "a|X|!Too many '('", after},
      {"a X " + times(60000, "("), "a|X|!Too many '('", after},
      {"a X " + times(257, "a "), "a|X|!Too many arguments", before},
      {"a X " + std::string(9000, 'x'), "a|X|!IMAP command line too large", before},
      {"a X " + std::string(20000, 'x'), "a|X|!!IMAP command line too large", before},
      {std::string(300, 'a') + " X", "||!Invalid tag", after},
      {"a " + std::string(100, 'x'), "a||!Invalid command name", after},
  };
  for (const auto& row : table) {
    INFO(row.says.substr(0, 100));
    std::vector<std::string> seen = read_all(row.says + "\r\nb NOOP\r\n", row.limits);
    CHECK(seen.front() == row.seen);
    if (!row.seen.contains("!!")) CHECK(seen.back() == "b|NOOP|");
    else CHECK(seen.size() == 1);
  }
}

TEST_CASE("a synchronising literal is asked for, another one not") {
  Client client("a X {1}\r\nb {1+}\r\nc {1}\r\nd\r\n");
  CHECK(read_all(client) == std::vector<std::string>{"a|X|{b} {c} {d}"});
  CHECK(client.heard() == "+ OK\r\n+ OK\r\n");
}

TEST_CASE("a command that ends in the middle is no command") {
  for (const std::string_view says : {"", "a NOOP", "a X {3+}\r\nab", "a X {3+}\r\nabc", "a X ) {3+}\r\nab"}) CHECK(read_all(says).empty());
}

TEST_CASE("a command that was read gives its memory back") {
  Client client("a X \"" + std::string(5000, 'x') + "\"\r\nb NOOP\r\n");
  imap::Command command;
  REQUIRE(client.reader().begin(command, soon()) == ReadEnd::ok);
  REQUIRE(client.reader().finish(command, soon()) == ReadEnd::ok);
  CHECK(command.arguments.text_size() == 5000);
  REQUIRE(client.reader().begin(command, soon()) == ReadEnd::ok);
  CHECK(command.arguments.text().capacity() < 100);
}

TEST_CASE("tokens come one by one, and literals from the stream") {
  Client client("a APPEND {5}\r\nINBOX (\\Seen) {10}\r\n0123456789 ~{3+}\r\nabc\r\nb NOOP\r\n");
  auto& reader = client.reader();
  imap::Command command;
  Token token;
  REQUIRE(reader.begin(command, soon()) == ReadEnd::ok);
  REQUIRE(reader.next(token, soon()) == ReadEnd::ok);
  CHECK((token.kind == Token::Kind::literal && token.size == 5));
  std::string text;
  REQUIRE(reader.read_small_literal(text, soon()) == ReadEnd::ok);
  CHECK(text == "INBOX");
  for (const auto kind : {Token::Kind::list_begin, Token::Kind::atom, Token::Kind::list_end, Token::Kind::literal}) {
    REQUIRE(reader.next(token, soon()) == ReadEnd::ok);
    CHECK(token.kind == kind);
  }
  reader.accept_literal(soon());
  text.clear();
  while (reader.literal_left() != 0) text += reader.read_literal(4, soon()).data;
  CHECK(text == "0123456789");
  REQUIRE(reader.next(token, soon()) == ReadEnd::ok);
  CHECK((token.kind == Token::Kind::literal8 && token.size == 3));

  SECTION("and are skipped when they are not wanted") { CHECK(reader.skip(soon()) == ReadEnd::ok); }
  SECTION("and are skipped when the caller finds a fault") {
    CHECK(reader.reject("no", soon()) == ReadEnd::fault);
    CHECK(reader.fault().text == "no");
  }
  SECTION("half of it may have been read") {
    reader.accept_literal(soon());
    CHECK(reader.read_literal(1, soon()).data == "a");
    CHECK(reader.skip(soon()) == ReadEnd::ok);
  }
  CHECK(client.heard() == "+ OK\r\n+ OK\r\n");
  CHECK(read_all(client) == std::vector<std::string>{"b|NOOP|"});
}

TEST_CASE("a synchronising literal that is not accepted ends the command") {
  Client client("a APPEND INBOX {10}\r\nb NOOP\r\n");
  imap::Command command;
  Token token;
  REQUIRE(client.reader().begin(command, soon()) == ReadEnd::ok);
  REQUIRE(client.reader().next(token, soon()) == ReadEnd::ok);
  REQUIRE(client.reader().next(token, soon()) == ReadEnd::ok);
  CHECK(client.reader().skip(soon()) == ReadEnd::ok);
  CHECK(read_all(client) == std::vector<std::string>{"b|NOOP|"});
  CHECK(client.heard().empty());
}
