#include "lib/io/relay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "lib/event/test_fibers.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
using io::End;

using event_tests::Pair;
using Progress = io::Layer::Progress;

Deadline soon() { return base::after(20s); }

// Relays between a client and a server, which are fibers too.
io::Relayed run(const std::function<void(io::Stream&)>& client, const std::function<void(io::Stream&)>& server) {
  event::Loop loop;
  Pair outer, inner;
  io::Relayed relayed;
  REQUIRE(loop.spawn("client", [&, stream = std::make_shared<io::Stream>(std::move(outer.a))] { client(*stream); }));
  REQUIRE(loop.spawn("server", [&, stream = std::make_shared<io::Stream>(std::move(inner.b))] { server(*stream); }));
  REQUIRE(loop.spawn("relay", [&] { relayed = io::relay(io::Stream(std::move(outer.b)), io::Stream(std::move(inner.a))); }));
  loop.run_until([&] { return loop.fibers() == 0; });
  return relayed;
}

std::string line(io::Stream& stream) { return std::string(stream.read_line(soon(), 100).text()); }

TEST_CASE("a dialogue goes both ways, and the server's end ends it") {
  std::string heard, answer;
  End end{};
  const io::Relayed relayed = run(
      [&](io::Stream& client) {
        client.write("hello\r\n", soon());
        answer = line(client);
        end = client.read_line(soon(), 100).end();
      },
      [&](io::Stream& server) {
        heard = line(server);
        server.write("bye now\r\n", soon());
        REQUIRE(server.flush(soon()) == End::ok);
      });
  CHECK(heard == "hello");
  CHECK(answer == "bye now");
  CHECK(end == End::eof);
  CHECK(relayed.from_client == 7);
  CHECK(relayed.from_inside == 9);
}

TEST_CASE("a client that has closed its side still hears the answer") {
  std::string answer;
  static_cast<void>(run(
      [&](io::Stream& client) {
        client.write("QUIT\r\n", soon());
        REQUIRE(client.flush(soon()) == End::ok);
        ::shutdown(client.fd(), SHUT_WR);
        answer = line(client);
      },
      [&](io::Stream& server) {
        REQUIRE(line(server) == "QUIT");
        REQUIRE(server.read_line(soon(), 100).end() == End::eof);
        server.write("bye\r\n", soon());
        REQUIRE(server.flush(soon()) == End::ok);
      }));
  CHECK(answer == "bye");
}

TEST_CASE("a way that is stuck does not keep the other") {
  event::Notify may_read;
  std::size_t sent = 0;
  std::string note, heard;
  static_cast<void>(run(
      [&](io::Stream& client) {
        const std::string piece(64 * 1024, 'x');
        // Until nobody takes any more.
        for (int refused = 0; refused < 5;) {
          const ssize_t count = ::send(client.fd(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
          if (count > 0) sent += static_cast<std::size_t>(count);
          refused = count > 0 ? 0 : refused + 1;
          event::yield();
        }
        note = line(client);
        may_read.notify();
        ::shutdown(client.fd(), SHUT_WR);
        REQUIRE(client.read_line(soon(), 100).end() == End::eof);
      },
      [&](io::Stream& server) {
        server.write("a note\r\n", soon());
        REQUIRE(server.flush(soon()) == End::ok);
        REQUIRE(may_read.wait(soon()));
        while (true) {
          const io::Stream::Bytes bytes = server.read_some(64 * 1024, soon());
          if (bytes.end != End::ok) break;
          heard += bytes.data;
        }
      }));
  CHECK(note == "a note");
  CHECK(sent > 0);
  CHECK(heard.size() == sent);
}

// Plaintext with a handshake: the client says "!", and hears "ok" at the end.
class Plain final : public io::Layer {
 public:
  explicit Plain(int fd) : fd_(fd) {}
  Step start() override {
    char byte = 0;
    const Step step = read(std::span(&byte, 1));
    return step.progress == Progress::moved && byte != '!' ? Step{Progress::failed} : step;
  }
  Step read(std::span<char> into) override { return after(::recv(fd_, into.data(), into.size(), MSG_DONTWAIT), Progress::wants_input); }
  Step write(std::string_view bytes) override {
    return after(::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL), Progress::wants_output);
  }
  void finish() override {}

 private:
  static Step after(ssize_t size, Progress otherwise) {
    if (size > 0) return {Progress::moved, static_cast<std::size_t>(size)};
    if (size == 0) return {Progress::eof};
    return {errno == EAGAIN ? otherwise : Progress::failed};
  }
  int fd_;
};

// The relay in a fiber between a client and the inner side, whose ends the test has.
struct World {
  Pair client, inner;
  event::Loop loop;
  std::optional<bool> has_shaken_hands;
  bool is_over = false;

  explicit World(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    event_tests::spawn(loop, [this, patience] {
      Plain layer(client.a.get());
      io::Relay relay(&layer, client.a.get(), inner.a.get());
      has_shaken_hands = relay.shake_hands(base::after(patience));
      if (*has_shaken_hands) static_cast<void>(relay.run());
      client.a = Fd();
      inner.a = Fd();
      is_over = true;
    });
  }

  static void say(const Fd& fd, std::string_view bytes) { REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())); }
  // What comes until there are `size` bytes, or the end.
  std::string hear(const Fd& fd, std::size_t size) {
    std::string out;
    bool has_ended = false;
    loop.run_until([&] {
      std::array<char, 100> bytes;
      ssize_t got = 1;
      while (got > 0 && out.size() < size) {
        got = ::recv(fd.get(), bytes.data(), std::min(bytes.size(), size - out.size()), MSG_DONTWAIT);
        if (got > 0) out.append(bytes.data(), static_cast<std::size_t>(got));
      }
      has_ended = got == 0 || (got < 0 && errno != EAGAIN);
      return has_ended || out.size() >= size;
    });
    return has_ended ? out + "." : out;
  }
  void end() {
    loop.run_until([&] { return is_over; });
  }
};

TEST_CASE("bytes go both ways after the handshake") {
  World w;
  w.say(w.client.b, "!EHLO\r\n");
  CHECK(w.hear(w.inner.b, 6) == "EHLO\r\n");
  w.say(w.inner.b, "250 ok\r\n");
  CHECK(w.hear(w.client.b, 8) == "250 ok\r\n");
  w.say(w.inner.b, "221 bye\r\n");
  w.inner.b = Fd();
  CHECK(w.hear(w.client.b, 100) == "221 bye\r\n.");
  w.end();
}

TEST_CASE("the client's end is told, and the last words come back") {
  World w;
  w.say(w.client.b, "!QUIT\r\n");
  ::shutdown(w.client.b.get(), SHUT_WR);
  CHECK(w.hear(w.inner.b, 100) == "QUIT\r\n.");
  w.say(w.inner.b, "221 bye\r\n");
  w.inner.b = Fd();
  CHECK(w.hear(w.client.b, 100) == "221 bye\r\n.");
  w.end();
}

TEST_CASE("a client who is gone ends it") {
  World w;
  w.say(w.client.b, "!");
  w.loop.run_until([&] { return w.has_shaken_hands.has_value(); });
  w.client.b = Fd();
  CHECK(w.hear(w.inner.b, 100) == ".");
  w.say(w.inner.b, "250 ok\r\n");
  w.end();
}

TEST_CASE("a handshake fails, ends, takes too long or is wanted no more") {
  constexpr std::array<std::string_view, 4> cases{"x", "", "late", "unwanted"};
  for (const std::string_view said : cases) {
    World w(said == "late" ? std::chrono::milliseconds(1) : std::chrono::seconds(10));
    if (said == "x") w.say(w.client.b, said);
    if (said.empty()) w.client.b = Fd();
    if (said == "unwanted") w.inner.b = Fd();
    w.end();
    CHECK(w.has_shaken_hands == false);
  }
}

TEST_CASE("much goes through a side that reads late, and little is held meanwhile") {
  World w;
  w.say(w.client.b, "!");
  const std::string much(1'000'000, 'x');
  std::size_t sent = 0;
  std::string heard;
  const auto push = [&] {
    const ssize_t now = ::send(w.client.b.get(), much.data() + sent, much.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (now > 0) sent += static_cast<std::size_t>(now);
    return now > 0;
  };
  // Until nothing moves any more: the sockets are full, and the relay holds a chunk at most.
  for (int still = 0; still < 20; still = push() ? 0 : still + 1) {
    const event::FiberRef turn = event_tests::spawn(w.loop, [] { event::yield(); });
    w.loop.run_until([&] { return !turn.is_running(); });
  }
  CHECK(sent < much.size());
  CHECK_FALSE(w.is_over);
  w.loop.run_until([&] {
    for (bool has_moved = true; has_moved;) {
      std::array<char, 10000> bytes;
      const ssize_t got = ::recv(w.inner.b.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got > 0) heard.append(bytes.data(), static_cast<std::size_t>(got));
      has_moved = (sent < much.size() && push()) || got > 0;
    }
    return heard.size() == much.size();
  });
  CHECK(heard == much);
  ::shutdown(w.client.b.get(), SHUT_WR);
  CHECK(w.hear(w.inner.b, 1) == ".");
  w.inner.b = Fd();
  w.end();
}

}  // namespace
