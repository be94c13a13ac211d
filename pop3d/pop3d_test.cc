// How a message is sent.

#include "pop3d/capabilities.h"
#include "pop3d/dotted.h"

#include "lib/testing/catch.h"

namespace pop3d {
namespace {

std::string sent(std::string_view text) {
  Dotted dotted(text);
  std::string out;
  for (std::string piece; dotted.next(piece);) out += piece;
  return out;
}

TEST_CASE("a message gets CRLF, and dots where a line begins with one") {
  CHECK(sent("") == "");
  CHECK(sent("a\nb\r\nc") == "a\r\nb\r\nc\r\n");
  CHECK(sent(".\n..\n.a\n") == "..\r\n...\r\n..a\r\n");
  CHECK(sent("a\r\rb\n\r\n") == "a\r\rb\r\n\r\n");
  CHECK(sent("a\r") == "a\r\r\n");
}

TEST_CASE("a long line comes in pieces and stays one line") {
  const std::string line(3 * Dotted::piece_size - 1, '.');
  CHECK(sent(line + "\n") == "." + line + "\r\n");
  const std::string cut = std::string(Dotted::piece_size - 1, 'x') + "\r\n";
  CHECK(sent(cut) == cut);
}

TEST_CASE("TOP shows the header and some lines") {
  const std::string_view message = "A: b\n\nfirst\nsecond\n";
  CHECK(top_of(message, 0) == "A: b\n\n");
  CHECK(top_of(message, 1) == "A: b\n\nfirst\n");
  CHECK(top_of(message, 9) == message);
  CHECK(top_of("A: b\r\n\r\nx", 0) == "A: b\r\n\r\n");
  CHECK(top_of("no end", 3) == "no end");
}

TEST_CASE("there is English") {
  CHECK(language_reply("EN-gb").starts_with("+OK en "));
  CHECK(language_reply("fr").starts_with("-ERR"));
  CHECK(language_reply("").ends_with("\r\n."));
}

}  // namespace
}  // namespace pop3d
