#include "lib/io/netstring.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/testing/catch.h"

namespace {

// What comes when a peer sends these bytes and closes.
io::Netstring read(std::string_view bytes, std::size_t limit = 100) {
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Fd peer(ends[1]);
  io::Stream stream{Fd(ends[0])};
  CHECK(::write(peer.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  peer.reset();
  return io::read_netstring(stream, base::after(std::chrono::seconds(10)), limit);
}

}  // namespace

TEST_CASE("a netstring is read whole or not at all") {
  struct Case {
    std::string_view bytes;
    io::NetstringEnd end;
    std::string_view data;
  };
  using enum io::NetstringEnd;
  constexpr Case cases[] = {{"5:hello,rest", ok, "hello"}, {"0:,", ok, ""},          {"3:a:b,", ok, "a:b"},     {"5:hello;", malformed, ""},
                            {"05:hello,", malformed, ""},  {":,", malformed, ""},    {"x", malformed, ""},      {"-1:,", malformed, ""},
                            {"101:", too_long, ""},        {"1234567890:", malformed, ""}, {"5:hel", eof, ""},  {"", eof, ""}, {"12", eof, ""}};
  for (const Case& c : cases) {
    INFO(c.bytes);
    const io::Netstring got = read(c.bytes);
    CHECK(got.end == c.end);
    CHECK(got.data == c.data);
  }
}

TEST_CASE("netstrings are taken off a text") {
  std::string text;
  io::append_netstring(text, "a");
  io::append_netstring(text, "");
  text += "3:abc";
  std::string_view rest = text;
  CHECK(io::take_netstring(rest) == "a");
  CHECK(io::take_netstring(rest) == "");
  CHECK(!io::take_netstring(rest));
  CHECK(rest == "3:abc");
  for (std::string_view bad : {"999999999:x,", "1:xx", "a:x,", "", "01:x,"}) CHECK(!io::take_netstring(bad));
}
