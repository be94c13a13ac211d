#include "lib/io/deflate_layer.h"

#include <array>
#include <functional>
#include <string>

#include <sys/socket.h>
#include <zlib.h>

#include "lib/event/loop.h"
#include "lib/io/stream.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
using io::End;

Deadline soon() { return base::after(20s); }

struct Pair {
  Fd a, b;
  static Pair make() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
  }
};

void compress(io::Stream& stream) { REQUIRE(stream.start_layer(std::make_unique<io::DeflateLayer>(stream.fd(), ""), soon()) == End::ok); }

// Two that talk, each in a fiber.
void run(const std::function<void(io::Stream&)>& one, const std::function<void(io::Stream&)>& other) {
  event::Loop loop;
  Pair pair = Pair::make();
  REQUIRE(loop.spawn("one", [&, stream = std::make_shared<io::Stream>(std::move(pair.a))] { one(*stream); }));
  REQUIRE(loop.spawn("other", [&, stream = std::make_shared<io::Stream>(std::move(pair.b))] { other(*stream); }));
  loop.run_until([&] { return loop.fibers() == 0; });
}

std::string line(io::Stream& stream) { return std::string(stream.read_line(soon(), 100).text()); }

TEST_CASE("each line that is flushed can be read at once, both ways") {
  std::string heard, answer;
  run(
      [&](io::Stream& stream) {
        compress(stream);
        for (int i = 0; i < 3; ++i) {
          stream.write("question\r\n", soon());
          answer += line(stream);
        }
      },
      [&](io::Stream& stream) {
        compress(stream);
        for (int i = 0; i < 3; ++i) {
          heard += line(stream);
          stream.write("answer\r\n", soon());
        }
        REQUIRE(stream.flush(soon()) == End::ok);
      });
  CHECK(heard == "questionquestionquestion");
  CHECK(answer == "answeransweranswer");
}

TEST_CASE("much goes through a socket that is full") {
  std::string text, got;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i * 7919LL * i);
  run(
      [&](io::Stream& stream) {
        compress(stream);
        stream.write(text, soon());
        REQUIRE(stream.flush(soon()) == End::ok);
      },
      [&](io::Stream& stream) {
        compress(stream);
        REQUIRE(stream.read_exact(got, text.size(), soon()) == End::ok);
      });
  CHECK(got == text);
}

TEST_CASE("after a rest the peer still understands") {
  Pair pair = Pair::make();
  io::DeflateLayer speaker(pair.a.get(), ""), hearer(pair.b.get(), "");
  std::array<char, 100> room{};
  for (const std::string_view word : {"first words", "second words"}) {
    CHECK(speaker.write(word).bytes == word.size());
    speaker.rest();
    hearer.rest();
    const io::Layer::Step step = hearer.read(room);
    CHECK(std::string_view(room.data(), step.bytes) == word);
  }
  CHECK(hearer.read(room).progress == io::Layer::Progress::wants_input);
}

TEST_CASE("what came before is compressed too, and what is no deflate ends it") {
  Pair pair = Pair::make();
  io::DeflateLayer speaker(pair.a.get(), "");
  CHECK(speaker.write("early").bytes == 5);
  std::string raw(100, '\0');
  raw.resize(static_cast<std::size_t>(::recv(pair.b.get(), raw.data(), raw.size(), 0)));
  std::array<char, 100> room{};
  io::DeflateLayer hearer(pair.b.get(), raw);
  CHECK(hearer.read(room).bytes == 5);
  io::DeflateLayer confused(pair.b.get(), "a1 NOOP\r\n");
  CHECK(confused.read(room).progress == io::Layer::Progress::failed);
  CHECK(confused.read(room).progress == io::Layer::Progress::failed);
}

TEST_CASE("a few bytes that stand for many come as there is room") {
  std::string zeros(10'000'000, '\0'), bomb(20'000, '\0');
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(bomb.data());
  stream.avail_out = static_cast<uInt>(bomb.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  bomb.resize(bomb.size() - stream.avail_out);
  ::deflateEnd(&stream);
  Pair pair = Pair::make();
  io::DeflateLayer layer(pair.b.get(), bomb);
  std::array<char, 4096> room{};
  std::size_t got = 0;
  io::Layer::Step step{};
  while ((step = layer.read(room)).progress == io::Layer::Progress::moved) got += step.bytes;
  CHECK(got == zeros.size());
  CHECK(step.progress == io::Layer::Progress::eof);
}

}  // namespace
