#include "lib/imap/append_reader.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

namespace {

using imap::AppendEvent;
using imap::ReadEnd;
using imap::testing::Client;
using imap::testing::soon;

// "mailbox M(flags keywords date) {text} ~{text} url .; end", or what has come until "!words".
std::string read(Client& client) {
  auto& reader = client.reader();
  imap::Command command;
  if (reader.begin(command, soon()) != ReadEnd::ok) return "no command";
  imap::AppendReader append(reader);
  std::string out;
  std::uint32_t number = 0;
  if (command.name == "REPLACE") {
    if (append.read_number(number, soon()) != ReadEnd::ok) return "!" + reader.fault().text;
    out = std::to_string(number) + " ";
  }
  std::string mailbox;
  if (append.read_mailbox(mailbox, soon()) != ReadEnd::ok) return out + "!" + reader.fault().text;
  out += mailbox;
  for (AppendEvent event;;) {
    const ReadEnd end = append.next(event, soon());
    if (end != ReadEnd::ok) return out + " !" + reader.fault().text;
    switch (event.kind) {
      case AppendEvent::Kind::message:
        out += " M(" + std::to_string(event.flags.system);
        for (const auto& keyword : event.flags.keywords) out += " " + keyword;
        if (event.date) out += " " + imap::date_time_text(*event.date);
        out += event.is_catenated ? ")+" : ")";
        break;
      case AppendEvent::Kind::literal: {
        std::string text;
        reader.accept_literal(soon());
        while (reader.literal_left() != 0) text += reader.read_literal(2, soon()).data;
        out += std::string(" ") + (event.is_utf8 ? "8" : "") + (event.is_literal8 ? "~" : "") + "{" + text + "}";
        break;
      }
      case AppendEvent::Kind::url: out += " " + event.url; break;
      case AppendEvent::Kind::message_end: out += " ."; break;
      case AppendEvent::Kind::end: return out;
    }
  }
}

std::string next_command(Client& client) {
  imap::Command command;
  return client.reader().begin(command, soon()) == ReadEnd::ok && client.reader().finish(command, soon()) == ReadEnd::ok ? command.tag : "none";
}

}  // namespace

TEST_CASE("APPEND and its kin come event by event") {
  const struct { std::string_view says, seen; } table[] = {
      {"a APPEND INBOX {3+}\r\nabc\r\n", "INBOX M(0) {abc} ."},
      {"a APPEND {5+}\r\nINBOX {3}\r\nabc\r\n", "INBOX M(0) {abc} ."},
      {"a APPEND NIL (\\Seen x) {3+}\r\nabc\r\n", "NIL M(1 x) {abc} ."},
      {"a APPEND \"a b\" (\\Seen x) \"17-Jul-1996 02:44:25 -0700\" {0+}\r\n\r\n", "a b M(1 x 17-Jul-1996 02:44:25 -0700) {} ."},
      {"a APPEND INBOX ~{3+}\r\nabc\r\n", "INBOX M(0) ~{abc} ."},
      {"a APPEND INBOX UTF8 (~{3+}\r\nabc)\r\n", "INBOX M(0) 8~{abc} ."},
      {"a APPEND INBOX {3+}\r\nabc (x) {1+}\r\nd {1}\r\ne\r\n", "INBOX M(0) {abc} . M(0 x) {d} . M(0) {e} ."},
      {"a APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\" TEXT {3+}\r\nabc URL /x TEXT {1+}\r\nd)\r\n", "INBOX M(0)+ /INBOX/;UID=1 {abc} /x {d} ."},
      {"a APPEND INBOX CATENATE (TEXT {1+}\r\na) (\\Seen) CATENATE (TEXT {1+}\r\nb) {1+}\r\nc\r\n", "INBOX M(0)+ {a} . M(1)+ {b} . M(0) {c} ."},
      {"a REPLACE 4 Drafts {3+}\r\nabc\r\n", "4 Drafts M(0) {abc} ."},
  };
  for (const auto& row : table) {
    INFO(row.says);
    Client client(std::string(row.says) + "b NOOP\r\n");
    CHECK(read(client) == row.seen);
    CHECK(next_command(client) == "b");
  }
}

TEST_CASE("what is wrong is told in Dovecot's words, and the next command is found") {
  const struct { std::string_view says, seen; } table[] = {
      {"a APPEND\r\n", "!Missing arguments"},
      {"a APPEND (INBOX) {3+}\r\nabc\r\n", "!Invalid arguments"},
      {"a APPEND ~{3+}\r\nabc\r\n", "!literal8 not allowed here"},
      {"a APPEND INBOX\r\n", "INBOX !Missing message size"},
      {"a APPEND INBOX x\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX \"x\"\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX (\\Foo) {3+}\r\nabc\r\n", "INBOX !Invalid system flag \\FOO"},
      {"a APPEND INBOX (\"x\") {3+}\r\nabc\r\n", "INBOX !Flags list contains non-atoms"},
      {"a APPEND INBOX ({3+}\r\nabc) {3+}\r\nabc\r\n", "INBOX !Flags list contains non-atoms"},
      {"a APPEND INBOX (\\Seen) \"x\" {3+}\r\nabc\r\n", "INBOX !Invalid internal date"},
      {"a APPEND INBOX (\\Seen) x {3+}\r\nabc\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX \"17-Jul-1996 02:44:25 -0700\" (\\Seen) {3+}\r\nabc\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX {3+}\r\nabc x\r\n", "INBOX M(0) {abc} . !Invalid arguments"},
      {"a APPEND INBOX {3+}\r\nabc)\r\n", "INBOX M(0) {abc} . !Unexpected ')'"},
      {"a APPEND INBOX CATENATE\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX CATENATE ()\r\n", "INBOX M(0)+ !Empty CATENATE list"},
      {"a APPEND INBOX CATENATE (FOO)\r\n", "INBOX M(0)+ !Invalid arguments"},
      {"a APPEND INBOX CATENATE (URL)\r\n", "INBOX M(0)+ !Invalid arguments"},
      {"a APPEND INBOX CATENATE (TEXT x)\r\n", "INBOX M(0)+ !Invalid arguments"},
      {"a APPEND INBOX CATENATE (TEXT {3+}\r\nabc\r\n", "INBOX M(0)+ {abc} !Missing ')'"},
      {"a APPEND INBOX (\\Seen\r\n", "INBOX !Missing ')'"},
      {"a APPEND INBOX ()\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX () () {3+}\r\nabc\r\n", "INBOX !Invalid arguments"},
      {"a APPEND INBOX UTF8 ({3+}\r\nabc)\r\n", "INBOX !Invalid arguments"},
      {"a REPLACE 0 INBOX {3+}\r\nabc\r\n", "!Invalid arguments"},
      {"a REPLACE\r\n", "!Missing arguments"},
  };
  for (const auto& row : table) {
    INFO(row.says);
    Client client(std::string(row.says) + "b NOOP\r\n");
    CHECK(read(client) == row.seen);
    CHECK(next_command(client) == "b");
  }
}

TEST_CASE("a command may be longer than what is kept of one") {
  std::string says = "a APPEND INBOX";
  for (int i = 0; i < 2000; ++i) says += " (aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb) {1+}\r\nx";
  Client client(says + "\r\n");
  CHECK(read(client).ends_with("{x} ."));
  std::string parts = "a APPEND INBOX CATENATE (";
  for (std::size_t i = 0; i <= imap::catenate_parts_limit; ++i) parts += "URL x ";
  Client many(parts + ")\r\nb NOOP\r\n");
  CHECK(read(many).ends_with("!Too many CATENATE parts"));
  CHECK(next_command(many) == "b");
}
