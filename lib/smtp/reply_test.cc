#include "lib/smtp/reply.h"

#include <array>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "lib/event/loop.h"

#include "lib/testing/catch.h"

namespace {

using std::chrono_literals::operator""s;

struct Heard {
  std::vector<smtp::ReadReply> replies;
  std::vector<std::string> garbage, long_lines, long_replies;
};

// Reads replies from what a server sent until the end.
Heard hear(const std::string& bytes) {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  io::Stream client{Fd(ends[0])};
  Heard heard;
  event::Loop loop;
  REQUIRE(loop.spawn("server", [&] {
    io::Stream server{Fd(ends[1])};
    server.write(bytes, base::after(5s));
    static_cast<void>(server.flush(base::after(5s)));
  }));
  REQUIRE(loop.spawn("client", [&] {
    const smtp::ReplyEvents events{
        .not_smtp = [&](std::string_view line) { heard.garbage.emplace_back(line); },
        .line_too_long = [&](std::string_view line) { heard.long_lines.emplace_back(line.substr(0, 5)); },
        .reply_too_long = [&](std::string_view line) { heard.long_replies.emplace_back(line.substr(0, 5)); },
    };
    do heard.replies.push_back(smtp::read_reply(client, base::after(5s), events));
    while (heard.replies.back().end == io::End::ok);
    client.shutdown();
  }));
  loop.run_until([&] { return loop.fibers() == 0; });
  return heard;
}

}  // namespace

TEST_CASE("replies of one and of many lines") {
  const Heard heard = hear("250 2.1.0 Ok\r\n250-peer\r\n250-SIZE 10\n250 DSN\r\n550\r\n421 bye");
  REQUIRE(heard.replies.size() == 4);
  CHECK(heard.replies[0].reply.dsn == mail::Dsn(2, 1, 0));
  CHECK(heard.replies[1].reply.text == "250-peer 250-SIZE 10 250 DSN");
  CHECK(heard.replies[1].reply.lines == std::vector<std::string>{"peer", "SIZE 10", "DSN"});
  CHECK(heard.replies[2].reply.code == 550);
  CHECK(heard.replies[2].reply.dsn == mail::Dsn(5, 0, 0));
  CHECK(heard.replies[3].end == io::End::eof);
}

TEST_CASE("lines that are no reply are skipped, and told") {
  const Heard heard = hear("hello\r\n25 x\r\n2500 x\r\n250_x\r\n\r\n250 ok\r\n");
  CHECK(heard.garbage == std::vector<std::string>{"hello", "25 x", "2500 x", "250_x", ""});
  CHECK(heard.replies[0].reply.text == "250 ok");
}

TEST_CASE("a long line is cut, a long reply loses its end, and one without end is left") {
  const Heard line = hear("250-" + std::string(3000, 'x') + "\r\n250 ok\r\n250 " + std::string(9000, 'y') + "\r\n250 z\r\n");
  REQUIRE(line.replies.size() == 4);
  CHECK(line.replies[0].reply.text == "250-" + std::string(2044, 'x') + " 250 ok");
  CHECK(line.long_lines.size() == 2);
  CHECK(line.replies[2].reply.text == "250 z");
  std::string many;
  for (int i = 0; i < 200; ++i) many += "250-" + std::string(100, 'x') + "\r\n";
  const Heard reply = hear(many + "550 5.1.1 end\r\n");
  CHECK(reply.replies[0].reply.code == 550);
  CHECK(reply.replies[0].reply.text.size() <= smtp::reply_text_limit);
  CHECK(reply.long_replies.size() == 1);
  CHECK(hear("250 " + std::string(10'000'000, 'x')).replies[0].end == io::End::too_long);
}

TEST_CASE("an enhanced code of another class is not believed") {
  CHECK(smtp::dsn_of(550, "4.1.1 x") == mail::Dsn(5, 0, 0));
  CHECK(smtp::dsn_of(450, "4.2.1 x") == mail::Dsn(4, 2, 1));
  CHECK(smtp::dsn_of(354, "go") == mail::Dsn(5, 5, 0));
  CHECK(smtp::dsn_of(250, "5.1.1 x") == mail::Dsn(2, 0, 0));
}
