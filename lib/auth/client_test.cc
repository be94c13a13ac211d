// The client against a server that says what the test wants.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/auth/client.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

namespace {

using auth::Answer;
using Lines = std::vector<std::string>;

constexpr std::chrono::seconds patience{20};
constexpr std::string_view usual_greeting = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tCRAM-MD5\tdictionary\tactive\nMECH\tX\tprivate\nSPID\t7\nDONE\n";

// A server in fibers. `says` gives its answer to a line; none: it closes.
class FakeServer {
 public:
  using Says = std::function<std::optional<std::string>(const std::string& line, int connection)>;
  FakeServer(std::string_view greeting, Says says) : greeting_(greeting), says_(std::move(says)) {
    auto listener = io::listen_unix(path(), 0600, 10);
    REQUIRE(listener.has_value());
    listener_ = std::move(*listener);
    REQUIRE(event::Loop::current().spawn("accept", [this] { accept(); }).has_value());
  }
  [[nodiscard]] std::string path() const { return directory_.path() + "auth"; }
  [[nodiscard]] const Lines& heard() const { return heard_; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept() {
    while (event::wait_fd(listener_.get(), event::Ready::readable, base::no_deadline)) {
      auto fd = io::accept(listener_.get());
      if (!fd) continue;
      const int number = ++connections_;
      auto shared = std::make_shared<io::Stream>(std::move(*fd));
      REQUIRE(event::Loop::current().spawn("serve", [this, shared, number] { serve(*shared, number); }).has_value());
    }
  }
  void serve(io::Stream& stream, int number) {
    stream.write(greeting_, base::after(patience));
    for (;;) {
      const io::LineResult line = stream.read_line(base::no_deadline, auth::wire_line_limit);
      if (!line) return;
      std::string text(line.text());
      if (!text.starts_with("CPID")) heard_.push_back(text);
      if (text.starts_with("VERSION") || text.starts_with("CPID")) continue;
      const auto answer = says_(text, number);
      if (!answer) {
        stream.shutdown();
        return;
      }
      stream.write(*answer, base::after(patience));
    }
  }

  testing::TemporaryDirectory directory_;
  std::string greeting_;
  Says says_;
  Fd listener_;
  Lines heard_;
  int connections_ = 0;
};

void in_loop(const std::function<void()>& body) {
  event::Loop loop;
  const auto fiber = loop.spawn("test", [&] {
    body();
    event::Loop::current().stop();
  });
  REQUIRE(fiber.has_value());
  loop.run();
  loop.cancel_all(base::after(patience));
}

auth::Client client_of(const FakeServer& server) {
  auto client = auth::Client::to(server.path());
  REQUIRE(client.has_value());
  return std::move(*client);
}

auth::Attempt plain(std::optional<std::string_view> initial = "AGEAYg==") {
  return {.mechanism = "PLAIN", .service = "smtp", .local_address = "127.0.0.1", .remote_address = "192.0.2.1", .is_encrypted = false, .initial = initial};
}

std::string id_of(const std::string& line) { return std::string(auth::WireLine::parse(line).fields.at(0)); }

TEST_CASE("the server's mechanisms are known after its greeting") {
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string&, int) { return ""; });
    auth::Client client = client_of(server);
    const auto mechanisms = client.mechanisms();
    REQUIRE(mechanisms.has_value());
    REQUIRE(mechanisms->size() == 3);
    CHECK(mechanisms->at(0).name == "PLAIN");
    CHECK(mechanisms->at(0).properties == auth::Property::plaintext);
    CHECK(mechanisms->at(1).properties == (auth::Property::dictionary | auth::Property::active));
    CHECK(mechanisms->at(2).properties == auth::Property::hidden);
    CHECK(client.mechanisms().has_value());
    CHECK(server.connections() == 1);
  });
}

TEST_CASE("an attempt is sent with all that is known, and its answer is read") {
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string& line, int) { return "OK\t" + id_of(line) + "\tuser=alice\tx=y\n"; });
    auth::Client client = client_of(server);
    const auto started = client.start(plain());
    REQUIRE(started.has_value());
    CHECK(started->answer.kind == Answer::Kind::accepted);
    CHECK(started->answer.user == "alice");
    auth::Attempt second = plain("");
    second.is_encrypted = true;
    CHECK(client.start(second).has_value());
    CHECK(client.start(plain(std::nullopt)).has_value());
    CHECK(server.connections() == 1);
    CHECK(server.heard() == Lines{"VERSION\t1\t0", "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tresp=AGEAYg==",
                                  "AUTH\t2\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tsecured\tresp==",
                                  "AUTH\t3\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1"});
  });
}

TEST_CASE("challenges and responses go to and fro") {
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string& line, int) {
      return line.starts_with("AUTH") ? "CONT\t" + id_of(line) + "\tcXVlc3Rpb24=\n" : "FAIL\t" + id_of(line) + "\tuser=bob\treason=go\1taway\n";
    });
    auth::Client client = client_of(server);
    auto started = client.start(plain(std::nullopt));
    REQUIRE(started.has_value());
    CHECK(started->answer.kind == Answer::Kind::challenge);
    CHECK(started->answer.text == "cXVlc3Rpb24=");
    const auto answer = started->exchange.go_on("YW5zd2Vy");
    REQUIRE(answer.has_value());
    CHECK(answer->kind == Answer::Kind::refused);
    CHECK(answer->text == "go\taway");
    CHECK(answer->user == "bob");
    CHECK(server.heard().back() == "CONT\t1\tYW5zd2Vy");
  });
}

TEST_CASE("what is no password's fault is told apart") {
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string& line, int) { return "FAIL\t" + id_of(line) + "\tuser=a\ttemp\n"; });
    auth::Client client = client_of(server);
    CHECK(client.start(plain())->answer.kind == Answer::Kind::unavailable);
  });
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string& line, int) { return "FAIL\t" + id_of(line) + "\tcode=temp_fail\n"; });
    auth::Client client = client_of(server);
    CHECK(client.start(plain())->answer.kind == Answer::Kind::unavailable);
  });
}

TEST_CASE("a connection that was kept and has died is made anew, once") {
  in_loop([] {
    FakeServer server(usual_greeting, [](const std::string& line, int connection) -> std::optional<std::string> {
      if (connection == 1 && id_of(line) != "1") return std::nullopt;
      return "OK\t" + id_of(line) + "\tuser=a\n";
    });
    auth::Client client = client_of(server);
    CHECK(client.start(plain()).has_value());
    CHECK(client.start(plain()).has_value());
    CHECK(server.connections() == 2);
  });
}

TEST_CASE("a server that says nonsense ends its exchange, and no other") {
  const auto error = [](const std::function<std::optional<std::string>(const std::string& id)>& says) {
    std::string message = "none";
    in_loop([&] {
      FakeServer server(usual_greeting, [&](const std::string& line, int) { return says(id_of(line)); });
      auth::Client client = client_of(server);
      const auto started = client.start(plain());
      if (!started) message = started.error().message();
    });
    return message;
  };
  const std::string lost = "Connection lost to authentication server";
  CHECK(error([](const std::string&) { return "FAIL\n"; }) == lost);
  CHECK(error([](const std::string&) { return "OK\tx\tuser=a\n"; }) == lost);
  CHECK(error([](const std::string&) { return std::nullopt; }) == lost);
  CHECK(error([](const std::string& id) { return "OK\t" + id + "\n"; }) == "Authentication backend error");
  CHECK(error([](const std::string& id) { return "OK\t" + id + "\tuser=a\1nb\n"; }) == "Authentication backend error");
  CHECK(error([](const std::string& id) { return "OK\t" + id + "\tuser=" + std::string(2000, 'u') + "\n"; }) == "Authentication backend error");
  CHECK(error([](const std::string& id) { return "OK\t" + id + "\tuser=" + std::string(100000, 'u') + "\n"; }) == lost);
  CHECK(error([](const std::string& id) { return "WHAT\t1\nOK\t999\tuser=b\nOK\t" + id + "\tuser=a\n"; }) == "none");
  CHECK(error([](const std::string&) {
          std::string noise;
          for (int i = 0; i < 200; ++i) noise += "WHAT\n";
          return noise;
        }) == lost);
}

TEST_CASE("a greeting that is none is an error with the server's name") {
  const auto error = [](std::string_view greeting) {
    std::string message = "none";
    in_loop([&] {
      FakeServer server(greeting, [](const std::string&, int) { return ""; });
      auth::Client client = client_of(server);
      const auto mechanisms = client.mechanisms();
      if (!mechanisms) message = mechanisms.error().message().substr(mechanisms.error().message().rfind(": ") + 2);
    });
    return message;
  };
  CHECK(error("VERSION\t2\t0\nDONE\n") == "speaks another version of the protocol");
  CHECK(error("MECH\tPLAIN\nDONE\n") == "says no version");
  std::string many = "VERSION\t1\t0\n";
  for (int i = 0; i < 70; ++i) many += "MECH\tX" + std::to_string(i) + "\n";
  CHECK(error(many + "DONE\n") == "offers too many mechanisms");
  std::string endless = "VERSION\t1\t0\n";
  for (int i = 0; i < 200; ++i) endless += "SPID\t1\n";
  CHECK(error(endless) == "does not end its greeting");
}

TEST_CASE("a server that is not there is named") {
  in_loop([] {
    auto client = auth::Client::to("private/not-there");
    REQUIRE(client.has_value());
    CHECK(client->mechanisms().error().message() == "connect to authentication server private/not-there: No such file or directory");
    CHECK(auth::Client::to("inet:").error().message() == ": missing service information");
  });
}

}  // namespace
