#include "lib/io/attend.h"

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/test_fibers.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;
using event_tests::Pair;

Deadline soon() { return base::after(20s); }

// A client over TCP, the socket on which he was accepted, and who speaks on another descriptor of it.
struct Connection {
  Connection() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener.get(), name, size) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    REQUIRE(::getsockname(listener.get(), name, &size) == 0);
    client.emplace(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    REQUIRE(::connect(client->fd(), name, size) == 0);
    accepted = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    speaker.emplace(Fd(::dup(accepted.get())));
  }
  std::optional<io::Stream> client, speaker;
  Fd accepted;
};

TEST_CASE("who attends a client sees the end of his session, and what was said until then") {
  event::Loop loop;
  Connection connection;
  Pair lifeline;
  std::optional<io::Relayed> said;
  io::End end{};
  // Before it is attended is not counted.
  REQUIRE(connection.client->write("login\r\n", soon()));
  REQUIRE(connection.client->flush(soon()) == io::End::ok);
  REQUIRE(connection.speaker->read_line(soon(), 100).text() == "login");
  io::Stream accepted(std::move(connection.accepted));
  const io::Relayed before = io::said_on(accepted);
  REQUIRE(loop.spawn("attend", [&] { said = io::attend(std::move(accepted), io::Stream(std::move(lifeline.a)), before); }));
  REQUIRE(loop.spawn("session", [&] {
    event::yield();
    REQUIRE(connection.client->write("hello\r\n", soon()));
    REQUIRE(connection.client->flush(soon()) == io::End::ok);
    REQUIRE(connection.speaker->read_line(soon(), 100).text() == "hello");
    REQUIRE(connection.speaker->write("bye now\r\n", soon()));
    REQUIRE(connection.speaker->flush(soon()) == io::End::ok);
    connection.speaker.reset();
    REQUIRE_FALSE(said);
    lifeline.b.reset();
    REQUIRE(connection.client->read_line(soon(), 100).text() == "bye now");
    end = connection.client->read_line(soon(), 100).end();
  }));
  loop.run_until([&] { return loop.fibers() == 0; });
  CHECK(end == io::End::eof);
  REQUIRE(said);
  CHECK(said->from_client == 7);
  CHECK(said->from_inside == 9);
}

TEST_CASE("an attendant who is cancelled ends the session too") {
  event::Loop loop;
  Connection connection;
  Pair lifeline;
  io::End client{}, speaker{};
  const auto attendant = loop.spawn("attend", [&] {
    static_cast<void>(io::attend(io::Stream(std::move(connection.accepted)), io::Stream(std::move(lifeline.a)), {}));
  });
  REQUIRE(attendant);
  REQUIRE(loop.spawn("session", [&] {
    event::yield();
    attendant->cancel();
    speaker = connection.speaker->read_line(soon(), 100).end();
    client = connection.client->read_line(soon(), 100).end();
  }));
  loop.run_until([&] { return loop.fibers() == 0; });
  CHECK(speaker == io::End::eof);
  CHECK(client == io::End::eof);
}

}  // namespace
