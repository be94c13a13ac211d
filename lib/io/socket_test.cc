#include "lib/io/socket.h"

#include <cerrno>
#include <cstdlib>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/event/loop.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;

TEST_CASE("addresses are read strictly and written canonically") {
  struct Vector {
    const char* text;
    const char* canonical;  // null: not an address
  };
  const Vector vectors[] = {
      {"192.0.2.1", "192.0.2.1"}, {"2001:DB8:0::1", "2001:db8::1"}, {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::", "::"},               {"::1", "::1"},                   {"0.0.0.0", "0.0.0.0"},
      {"192.0.2", nullptr},       {"192.0.2.256", nullptr},         {"0x7f.1", nullptr},
      {"[::1]", nullptr},         {"", nullptr},                    {"127.0.0.1 ", nullptr},
      {"1::2::3", nullptr},
  };
  for (const Vector& vector : vectors) {
    const auto address = io::Address::parse(vector.text);
    REQUIRE(address.has_value() == (vector.canonical != nullptr));
    if (address) CHECK(address->text() == vector.canonical);
  }
  CHECK(io::Address::parse("127.3.2.1")->is_loopback());
  CHECK(io::Address::parse("::1")->is_loopback());
  CHECK_FALSE(io::Address::parse("::2")->is_loopback());
  CHECK(io::Address::parse("::")->is_unspecified());
  CHECK(*io::Address::parse("::ffff:10.0.0.1") == *io::Address::parse("10.0.0.1"));
  CHECK(io::Address::parse("10.0.0.1")->bytes() == std::string_view("\x0a\0\0\x01", 4));
  CHECK(io::Endpoint{*io::Address::parse("2001:db8::1"), 25}.text() == "[2001:db8::1]:25");
}

TEST_CASE("a connection is accepted, and both ends know each other") {
  const io::Address here = *io::Address::parse("127.0.0.1");
  const Fd listener = std::move(*io::listen_tcp(io::Endpoint{here, 0}, 10));
  const io::Endpoint at = *io::local_of(listener.get());
  CHECK(io::accept(listener.get()).error().code() == EAGAIN);
  const io::Address from = *io::Address::parse("127.0.0.9");
  const Fd client = std::move(*io::connect(at, base::after(5s), &from));
  const Fd server = std::move(*io::accept(listener.get()));
  CHECK(io::peer_of(server.get()) == io::local_of(client.get()));
  CHECK(io::peer_of(server.get())->address == from);
  CHECK(io::peer_of(client.get()) == at);
  for (const Fd* const end : {&client, &server}) {
    int is_prompt = 0;
    socklen_t size = sizeof is_prompt;
    REQUIRE(::getsockopt(end->get(), IPPROTO_TCP, TCP_NODELAY, &is_prompt, &size) == 0);
    CHECK(is_prompt == 1);
  }
}

TEST_CASE("a connection that is refused says so, in a fiber as outside") {
  const io::Endpoint nobody = [] {
    const Fd listener = std::move(*io::listen_tcp(io::Endpoint{*io::Address::parse("127.0.0.1"), 0}, 1));
    return *io::local_of(listener.get());
  }();
  CHECK(io::connect(nobody, base::after(5s)).error().code() == ECONNREFUSED);
  event::Loop loop;
  REQUIRE(loop.spawn("client", [&] { CHECK(io::connect(nobody, base::after(5s)).error().code() == ECONNREFUSED); }));
  loop.run_until([&] { return loop.fibers() == 0; });
}

TEST_CASE("a UNIX socket is made anew with its mode") {
  std::string directory = "/tmp/io_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/socket";
  for (int round = 0; round < 2; ++round) {
    const Fd listener = std::move(*io::listen_unix(path, 0622, 10));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0622);
    const auto client = io::connect_unix(path, base::after(5s));
    REQUIRE(client);
    const auto server = io::accept(listener.get());
    REQUIRE(server);
    CHECK_FALSE(io::peer_of(server->get()));
  }
  CHECK(io::connect_unix(path, base::after(5s)).error().code() == ECONNREFUSED);
  CHECK(io::connect_unix(directory + "/none", base::after(5s)).error().code() == ENOENT);
  CHECK(io::connect_unix(std::string(200, 'x'), base::after(5s)).error().code() == ENAMETOOLONG);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}
