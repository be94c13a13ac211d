#include "lib/io/stream.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/event/loop.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using io::End;
using io::LineEnding;

struct Pair {
  io::Stream a, b;
  static Pair make() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {io::Stream(Fd(ends[0])), io::Stream(Fd(ends[1]))};
  }
};

Deadline soon() { return base::after(10s); }

void put(io::Stream& stream, std::string_view bytes) {
  REQUIRE(::send(stream.fd(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

// Runs the bodies as fibers until all have ended.
void run(const std::vector<std::function<void()>>& bodies) {
  event::Loop loop;
  for (const auto& body : bodies) REQUIRE(loop.spawn("test", body));
  loop.run_until([&] { return loop.fibers() == 0; });
}

struct Line {
  End end;
  std::string text;
  LineEnding ending;
  bool operator==(const Line&) const = default;
};

std::vector<Line> read_lines(io::Stream& stream, std::size_t limit) {
  std::vector<Line> lines;
  for (;;) {
    const io::LineResult line = stream.read_line(soon(), limit);
    lines.push_back({line.end(), std::string(line.text()), line.ending()});
    if (line.end() != End::ok && line.end() != End::too_long) return lines;
  }
}

const std::string mixed = "one\r\ntwo\nthree\rthree\r\n\r\n\n\rx\r\r\nlast";
const std::vector<Line> mixed_lines{
    {End::ok, "one", LineEnding::crlf}, {End::ok, "two", LineEnding::lf}, {End::ok, "three\rthree", LineEnding::crlf},
    {End::ok, "", LineEnding::crlf},    {End::ok, "", LineEnding::lf},    {End::ok, "\rx\r", LineEnding::crlf},
    {End::eof, "last", LineEnding::none},
};

}  // namespace

TEST_CASE("lines come whole however they were split, in a fiber") {
  for (std::size_t cut = 0; cut <= mixed.size(); ++cut) {
    Pair pair = Pair::make();
    std::vector<Line> lines;
    run({[&] { lines = read_lines(pair.b, 100); },
         [&] {
           for (const std::string& part : {mixed.substr(0, cut), mixed.substr(cut)}) {
             if (!part.empty()) put(pair.a, part);
             event::yield();
             event::yield();
           }
           pair.a.shutdown();
         }});
    REQUIRE(lines == mixed_lines);
  }
}

TEST_CASE("lines come whole from a pipe, outside of a fiber") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  io::Stream reading{Fd(ends[0])};
  {
    io::Stream writing{Fd(ends[1])};
    REQUIRE(writing.write(mixed, soon()));
    REQUIRE(writing.flush(soon()) == End::ok);
    CHECK(reading.read_line(soon(), 100).text() == "one");
    CHECK(reading.read_line(soon(), 100).text() == "two");
  }
  CHECK(read_lines(reading, 100) == std::vector<Line>(mixed_lines.begin() + 2, mixed_lines.end()));
}

TEST_CASE("a line over the limit comes in parts, at every split") {
  const std::string input = "12345\r\n12345\n123456\r\n1234567890ab\n1234\r5\r\n12345\r6\r\n";
  const std::vector<Line> expected{
      {End::ok, "12345", LineEnding::crlf},      {End::ok, "12345", LineEnding::lf},
      {End::too_long, "12345", LineEnding::none}, {End::ok, "6", LineEnding::crlf},
      {End::too_long, "12345", LineEnding::none}, {End::too_long, "67890", LineEnding::none},
      {End::ok, "ab", LineEnding::lf},            {End::too_long, "1234\r", LineEnding::none},
      {End::ok, "5", LineEnding::crlf},           {End::too_long, "12345", LineEnding::none},
      {End::ok, "\r6", LineEnding::crlf},         {End::eof, "", LineEnding::none},
  };
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    Pair pair = Pair::make();
    std::vector<Line> lines;
    run({[&] { lines = read_lines(pair.b, 5); },
         [&] {
           put(pair.a, input.substr(0, cut));
           event::yield();
           event::yield();
           put(pair.a, input.substr(cut));
           pair.a.shutdown();
         }});
    REQUIRE(lines == expected);
  }
}

TEST_CASE("a line of 100 megabytes without end costs only its parts") {
  Pair pair = Pair::make();
  std::size_t parts = 0;
  run({[&] {
         while (parts < 50'000 && pair.b.read_line(soon(), 2048).end() == End::too_long) ++parts;
         pair.b.shutdown();
       },
       [&] {
         const std::string chunk(10'000, 'x');
         while (pair.a.write(chunk, soon())) {
         }
       }});
  CHECK(parts == 50'000);
}

TEST_CASE("one byte after the other does not stretch the deadline") {
  Pair pair = Pair::make();
  End end = End::ok;
  bool done = false;
  const Deadline start = std::chrono::steady_clock::now();
  run({[&] {
         end = pair.b.read_line(base::after(30ms), 1000).end();
         done = true;
       },
       [&] {
         while (!done) {
           put(pair.a, "x");
           event::sleep_until(base::after(1ms));
         }
       }});
  CHECK(end == End::timeout);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  CHECK(pair.b.has_input());
}

TEST_CASE("what was written goes out before a read waits, all at once") {
  Pair pair = Pair::make();
  run({[&] {
         pair.a.write("250 a\r\n", soon());
         pair.a.write("250 b\r\n", soon());
         CHECK_FALSE(pair.b.peek_input());
         CHECK(pair.a.read_line(soon(), 100).text() == "thanks");
       },
       [&] {
         CHECK(pair.b.read_some(100, soon()).data == "250 a\r\n250 b\r\n");
         pair.b.write("thanks\n", soon());
         CHECK(pair.b.flush(soon()) == End::ok);
       }});
}

TEST_CASE("large output and exact input pass through small socket buffers") {
  Pair pair = Pair::make();
  std::string sent, got;
  for (int i = 0; i < 300'000; ++i) sent += std::to_string(i);
  run({[&] {
         for (std::size_t at = 0; at < sent.size(); at += 7001) REQUIRE(pair.a.write(sent.substr(at, 7001), soon()));
         REQUIRE(pair.a.write(sent, soon()));
         CHECK(pair.a.flush(soon()) == End::ok);
       },
       [&] { CHECK(pair.b.read_exact(got, 2 * sent.size(), soon()) == End::ok); }});
  CHECK(got == sent + sent);
}

TEST_CASE("a peer that does not read ends the write at its deadline, for good") {
  Pair pair = Pair::make();
  run({[&] {
    const std::string chunk(1'000'000, 'x');
    CHECK_FALSE(pair.a.write(chunk, base::after(10ms)));
    CHECK_FALSE(pair.a.write("x", soon()));
    CHECK(pair.a.flush(soon()) == End::error);
  }});
}

TEST_CASE("last words are read even when the peer takes no more") {
  Pair pair = Pair::make();
  put(pair.b, "421 go away\r\n");
  { const io::Stream closing = std::move(pair.b); }
  run({[&] {
    pair.a.write("MAIL FROM:<>\r\n", soon());
    CHECK(pair.a.read_line(soon(), 100).text() == "421 go away");
    const io::LineResult end = pair.a.read_line(soon(), 100);
    CHECK((end.end() == End::eof || end.end() == End::error));
  }});
}

TEST_CASE("the end of the stream that came together with the last bytes is seen") {
  for (const bool early : {false, true}) {
    Pair pair = Pair::make();
    std::vector<Line> lines;
    const auto reader = [&] { lines = read_lines(pair.b, 100); };
    const auto writer = [&] {
      put(pair.a, "bye\r\n");
      pair.a.shutdown();
    };
    if (early) run({writer, reader});
    else run({reader, writer});
    CHECK(lines == std::vector<Line>{{End::ok, "bye", LineEnding::crlf}, {End::eof, "", LineEnding::none}});
  }
}

TEST_CASE("attributes end with their delimiter") {
  Pair pair = Pair::make();
  put(pair.a, std::string_view("name\0value\0\0toolong\0", 20));
  pair.a.shutdown();
  CHECK(pair.b.read_until('\0', soon(), 5).text() == "name");
  CHECK(pair.b.read_until('\0', soon(), 5).text() == "value");
  CHECK(pair.b.read_until('\0', soon(), 5).text().empty());
  CHECK(pair.b.read_until('\0', soon(), 5).end() == End::too_long);
  CHECK(pair.b.read_until('\0', soon(), 50).text() == "toolong");
  CHECK(pair.b.read_until('\0', soon(), 50).end() == End::eof);
}

TEST_CASE("descriptors arrive in order, no later than the bytes they went with, and no more than a few are kept") {
  Pair pair = Pair::make();
  std::vector<ino_t> sent, got;
  const auto inode = [](int fd) {
    struct stat status {};
    REQUIRE(::fstat(fd, &status) == 0);
    return status.st_ino;
  };
  run({[&] {
         for (int i = 0; i < 20; ++i) {
           std::array<int, 2> ends{};
           REQUIRE(::pipe(ends.data()) == 0);
           const Fd reading(ends[0]), writing(ends[1]);
           if (sent.size() < io::Stream::max_fds) sent.push_back(inode(reading.get()));
           pair.a.send_fd(reading);
           pair.a.write("x\n", soon());
           if (i % 4 == 3) CHECK(pair.a.flush(soon()) == End::ok);
         }
       },
       [&] {
         for (int i = 0; i < 20; ++i) CHECK(pair.b.read_line(soon(), 10).text() == "x");
         while (const std::optional<Fd> fd = pair.b.take_fd()) {
           got.push_back(inode(fd->get()));
           CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
         }
       }});
  CHECK(got == sent);
}

// The kernel ends a read behind bytes that came with a descriptor, whatever else there is.
TEST_CASE("what lies behind a descriptor already is read without waiting for more") {
  Pair pair = Pair::make();
  for (const char* const line : {"first\n", "second\n"}) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const Fd reading(ends[0]), writing(ends[1]);
    pair.a.send_fd(reading);
    pair.a.write(line, soon());
    REQUIRE(pair.a.flush(soon()) == End::ok);
  }
  run({[&] {
    CHECK(pair.b.read_line(soon(), 10).text() == "first");
    CHECK(pair.b.read_line(soon(), 10).text() == "second");
  }});
}

TEST_CASE("a kept connection is at rest until something comes, or the end") {
  Pair pair = Pair::make();
  CHECK(pair.a.is_at_rest());
  put(pair.b, "x");
  CHECK_FALSE(pair.a.is_at_rest());
  CHECK(pair.a.peek_input());
  CHECK(pair.a.read_some(10, soon()).data == "x");
  CHECK(pair.a.is_at_rest());
  { const io::Stream closing = std::move(pair.b); }
  CHECK_FALSE(pair.a.is_at_rest());
  CHECK_FALSE(pair.a.peek_input());
}

TEST_CASE("a peer that always has something to say does not keep the loop") {
  Pair pair = Pair::make();
  constexpr int enough = 10;
  int turns = 0;
  bool ended = false;
  run({[&] {
         const base::Deadline limit = soon();
         while (turns < enough && std::chrono::steady_clock::now() < limit) {
           put(pair.b, "x");
           REQUIRE(pair.a.read_some(1, soon()).data == "x");
         }
         ended = true;
       },
       [&] {
         while (!ended) {
           ++turns;
           event::yield();
         }
       }});
  CHECK(turns >= enough);
}
