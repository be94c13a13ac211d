#include "smtpd/content.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/testing/catch.h"

namespace smtpd {
namespace {

using std::string_view_literals::operator""sv;

// What came, as text: '|' ends a line, '/' a part of one.
class Recorder : public ContentSink {
 public:
  void take(Piece piece) override {
    text += piece.text;
    text += piece.is_last ? '|' : '/';
  }
  std::string text;
};

// Feeds `bytes` as Stream::read_line would give them; the content, and whether and where the end was.
struct Decoded {
  std::string content;
  std::optional<std::size_t> end;
  bool bare_newline;
};

Decoded decode(std::string_view bytes, std::size_t limit) {
  Recorder recorder;
  DataDecoder decoder(recorder, limit);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t newline = bytes.find('\n', at);
    std::size_t end = newline == std::string_view::npos ? bytes.size() : newline;
    io::LineEnding ending = newline == std::string_view::npos ? io::LineEnding::none : io::LineEnding::lf;
    std::size_t next = newline == std::string_view::npos ? end : newline + 1;
    std::string_view text = bytes.substr(at, end - at);
    if (ending == io::LineEnding::lf && text.ends_with('\r')) {
      text.remove_suffix(1);
      ending = io::LineEnding::crlf;
    }
    if (text.size() > limit) {
      text = bytes.substr(at, limit);
      ending = io::LineEnding::none;
      next = at + limit;
    }
    at = next;
    if (decoder.feed(text, ending)) return {recorder.text, at, decoder.has_bare_newline()};
  }
  return {recorder.text, std::nullopt, decoder.has_bare_newline()};
}

TEST_CASE("only CRLF dot CRLF ends the data (S01)") {
  const std::string_view endings[] = {"\r\n",   "\n",     "\r",  "\r\r\n", "\n\r",        "\r\n\0"sv,
                                      "\r\0\n"sv, "\v", "\f",  "\x85",   "\xe2\x80\xa8"};
  for (const std::string_view before : endings) {
    for (const std::string_view after : endings) {
      const std::string data = "a" + std::string(before) + "." + std::string(after) + "MAIL FROM:<x>\r\n.\r\n";
      const bool ends_early = before.ends_with("\r\n") && after.starts_with("\r\n");
      const Decoded decoded = decode(data, 2048);
      CAPTURE(data);
      REQUIRE(decoded.end);
      CHECK((*decoded.end == data.size()) == !ends_early);
    }
  }
}

TEST_CASE("the end of data is found however the lines are cut into parts") {
  for (std::size_t limit = 1; limit < 12; ++limit) {
    CHECK(decode("abc\r\n.\r\n", limit).end == 8u);
    CHECK_FALSE(decode("abc\n.\r\n", limit).end);
    CHECK_FALSE(decode("abc\r\n.\n", limit).end);
    CHECK_FALSE(decode("abc\r\n..\r\n", limit).end);
    CHECK_FALSE(decode("abc.\r\n", limit).end);
  }
}

TEST_CASE("dots are taken away, bare newlines are line ends, long lines come in parts") {
  CHECK(decode("..a\r\n.b\r\n.\r\n", 100).content == ".a|b|");
  CHECK(decode("a\n.\nb\r\n.\r\n", 100).content == "a||b|");
  CHECK(decode("a\n.\nb\r\n.\r\n", 100).bare_newline);
  CHECK_FALSE(decode("a\r\n.\r\n", 100).bare_newline);
  CHECK(decode("a\rb\r\r\n.\r\n", 100).content == "a\rb\r|");
  CHECK(decode("abcdef\r\n.\r\n", 4).content == "abcd/ef|");
  CHECK(decode("abc\rdef\r\n.\r\n", 4).content == "abc/\rdef|");
  CHECK(decode("abcd\r\n.\r\n", 4).content == "abcd|");
}

TEST_CASE("chunks are the same lines however they are cut") {
  const std::string data = "Subject: x\r\n\r\nab\rc\nlonger than the limit\r\n.\r\n..\r\nlast";
  for (std::size_t limit : {4u, 7u, 100u}) {
    Recorder whole;
    ChunkDecoder reference(whole, limit);
    reference.feed(data);
    reference.finish();
    for (std::size_t step = 1; step < data.size(); ++step) {
      Recorder recorder;
      ChunkDecoder decoder(recorder, limit);
      for (std::size_t at = 0; at < data.size(); at += step) decoder.feed(std::string_view(data).substr(at, step));
      decoder.finish();
      std::string without_parts = recorder.text, expected = whole.text;
      std::erase(without_parts, '/');
      std::erase(expected, '/');
      CHECK(without_parts == expected);
      CHECK(decoder.size() == reference.size());
      CHECK(decoder.has_bare_newline());
    }
  }
}

TEST_CASE("BDAT's sizes are Postfix's") {
  const auto size = [](std::initializer_list<std::string_view> chunks) {
    Recorder recorder;
    ChunkDecoder decoder(recorder, 2048);
    for (const std::string_view chunk : chunks) decoder.feed(chunk);
    decoder.finish();
    return decoder.size();
  };
  CHECK(size({"abc\nabc\n"}) == 10);
  CHECK(size({"a: b\r\nabc\r"}) == 12);
  CHECK(size({"abc\r", "\ndef"}) == 10);
  CHECK(size({"Foo: bar\r\n\r\nabc\r\nabc"}) == 22);
  CHECK(size({}) == 0);
}

TEST_CASE("a million tiny chunks need no memory (S09)") {
  Recorder recorder;
  ChunkDecoder decoder(recorder, 2048);
  for (int i = 0; i < 10'000; ++i) decoder.feed("x");
  CHECK(decoder.size() == 10'000);
  CHECK(std::ranges::count(recorder.text, '/') >= 4);
}

}  // namespace
}  // namespace smtpd
