#include "lib/smtp/wire.h"

#include <string>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/mail/downgrade.h"

#include "lib/testing/catch.h"

namespace {

std::string wire(const std::vector<std::string>& lines, std::size_t limit = 998) {
  smtp::WireWriter writer(limit);
  std::string out;
  for (const std::string& line : lines) writer.write(line, true, out);
  writer.finish(out);
  out += ".\r\n";
  return out;
}

// The 7-bit form of a message given with LF line ends, as lines with LF.
std::string downgraded(const std::string& message) {
  mail::Downgrade downgrade;
  std::vector<mail::Downgrade::Line> lines;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    downgrade.write(message.substr(at, end - at), true, lines);
    at = end + 1;
  }
  downgrade.finish(lines);
  std::string out;
  for (const auto& line : lines) out += line.text + (line.ends_line ? "\n" : "");
  return out;
}

}  // namespace

TEST_CASE("lines end with CR LF, dots at their start are doubled, the message ends with a dot") {
  CHECK(wire({"a", ".", "..b", "", "c."}) == "a\r\n..\r\n...b\r\n\r\nc.\r\n.\r\n");
  CHECK(wire({}) == ".\r\n");
  smtp::WireWriter open(998);
  std::string out;
  open.write("no end", false, out);
  open.finish(out);
  CHECK(out == "no end\r\n");
}

TEST_CASE("a long line is broken by CR LF and a blank that counts") {
  const std::string line(2100, 'z');
  const std::string out = wire({line});
  CHECK(out == std::string(998, 'z') + "\r\n " + std::string(997, 'z') + "\r\n " + std::string(105, 'z') + "\r\n.\r\n");
  CHECK(wire({std::string(998, 'x')}) == std::string(998, 'x') + "\r\n.\r\n");
  CHECK(wire({line}, 0) == line + "\r\n.\r\n");
}

TEST_CASE("a line that comes in pieces is the same line") {
  const std::string line = "." + std::string(1500, 'x') + ".y";
  for (const std::size_t cut : {1U, 2U, 997U, 998U, 999U, 1501U}) {
    smtp::WireWriter writer(998);
    std::string out;
    writer.write(line.substr(0, cut), false, out);
    writer.write(line.substr(cut), true, out);
    writer.finish(out);
    CHECK(out + ".\r\n" == wire({line}));
  }
}

TEST_CASE("ATTACKS S03: no line ending of any fashion gets through but CR LF pairs, and every dot line is doubled") {
  const std::vector<std::string> endings{"\r\n", "\n", "\r", "\r\r\n", "\n\r", std::string("\r\n\0", 3), std::string("\r\0\n", 3),
                                         "\v", "\f", "\x85", "\xe2\x80\xa8"};
  for (const std::string& before : endings) {
    for (const std::string& after : endings) {
      const std::string out = wire({"text" + before + "." + after + "MAIL FROM:<evil@example.com>"});
      std::string_view rest = out;
      int end_of_data = 0;
      while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        const std::string_view line = rest.substr(0, end);
        CHECK(line.find_first_of("\r\n") == std::string_view::npos);
        if (line == ".") ++end_of_data;
        rest.remove_prefix(end + 2);
      }
      CHECK(end_of_data == 1);
      CHECK(out.ends_with("\r\n.\r\n"));
    }
  }
}

TEST_CASE("parts that say 8bit become quoted-printable, their containers 7bit, the rest stays: as Postfix 3.10 does it") {
  CHECK(downgraded("Subject: t\nMIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n"
                   "Content-Transfer-Encoding: 8bit\n\nh\xe9llo\ttab \n.dot\ntrailing=\n") ==
        "Subject: t\nMIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n"
        "Content-Transfer-Encoding: quoted-printable\n\nh=E9llo\ttab=20\n.dot\ntrailing=3D\n");
  CHECK(downgraded("Subject: t\n\nh\xe9llo = w\xf6rld \n") == "Subject: t\n\nh\xe9llo = w\xf6rld \n");
  CHECK(downgraded("Subject: t\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n"
                   "Content-Transfer-Encoding: 8bit\n\npreamble\n--b1\nContent-Type: text/plain\n\nplain 7bit\n--b1\n"
                   "Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\nh\xe9llo\n--b1\n"
                   "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: inner\n"
                   "Content-Transfer-Encoding: 8bit\n\ninn\xe9r\n--b1\n\nno head\xe9r\n--b1--\nepil\xe9gue\n") ==
        "Subject: t\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n"
        "Content-Transfer-Encoding: 7bit\n\npreamble\n--b1\nContent-Type: text/plain\n\nplain 7bit\n--b1\n"
        "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nh=E9llo\n--b1\n"
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: inner\n"
        "Content-Transfer-Encoding: quoted-printable\n\ninn=E9r\n--b1\n\nno head\xe9r\n--b1--\nepil\xe9gue\n");
}

TEST_CASE("encoded lines are no longer than 76, and folded headers stay folded") {
  const std::string out = downgraded("Content-Type: text/plain;\n charset=\"utf-8\"\nContent-Transfer-Encoding:\n 8BIT\n\n" +
                                     std::string(500, '\xe9') + "\n" + std::string(75, 'x') + "\n");
  CHECK(out.starts_with("Content-Type: text/plain;\n charset=\"utf-8\"\nContent-Transfer-Encoding: quoted-printable\n\n"));
  for (const std::string_view line : ascii::split(out, "\n")) CHECK(line.size() <= 76);
}

TEST_CASE("deep nesting and endless headers cost no more than their bytes") {
  std::string deep;
  for (int i = 0; i < 5000; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  CHECK(downgraded(deep) == deep);
  std::string header;
  for (int i = 0; i < 20'000; ++i) header += "X-Header: " + std::to_string(i) + "\n";
  CHECK(downgraded(header + "\nbody\n") == header + "\nbody\n");
}
