#include <sys/socket.h>
#include <unistd.h>

#include "lib/testing/catch.h"
#include "qmqpd/packet.h"
#include "qmqpd/verp.h"

TEST_CASE("a sender may ask for VERP as qmail does") {
  struct Case {
    std::string_view sender, address, delimiters;
  };
  constexpr Case cases[] = {{"list-@example.org-@[]", "list@example.org", "-="},
                            {"l+@example.org-@[]", "l@example.org", "+="},
                            {"list@example.org-@[]", "lis@example.org", "t="}};
  for (const Case& c : cases) {
    const auto verp = qmqpd::parse_verp_sender(c.sender);
    REQUIRE(verp);
    CHECK(verp->address == c.address);
    CHECK(verp->delimiters == c.delimiters);
  }
  for (std::string_view none : {"", "list@example.org", "list+@example.org+@[]", "-@[]", "list-@[]", "@x-@[]"}) {
    CHECK(!qmqpd::parse_verp_sender(none));
  }
}

TEST_CASE("a packet's parts may not reach beyond it") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd peer(ends[1]);
  io::Stream stream{Fd(ends[0])};
  constexpr std::string_view bytes = "8:1:a,9:b,";
  REQUIRE(::write(peer.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  qmqpd::Packet packet(stream, std::chrono::seconds(10));
  std::string text;
  CHECK(packet.begin() == io::NetstringEnd::ok);
  CHECK(packet.read(text, 10) == io::NetstringEnd::ok);
  CHECK(text == "a");
  CHECK(!packet.is_at_end());
  CHECK(packet.read(text, 10) == io::NetstringEnd::malformed);
}
