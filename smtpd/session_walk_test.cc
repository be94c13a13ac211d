#include <random>

#include "smtpd/session_talk.h"

#include "lib/testing/catch.h"

namespace smtpd {
namespace {

// The session as a state machine of a few lines: what class of reply each command must get.
struct Model {
  bool in_mail = false, in_rcpt = false, chunking = false, failed = false;

  void reset() { *this = {}; }
  int expect(std::string_view verb) {
    if (verb == "HELO" || verb == "EHLO" || verb == "RSET") {
      reset();
      return 2;
    }
    if (verb == "NOOP" || verb == "VRFY") return 2;
    if (verb == "MAIL") {
      if (in_mail || failed || chunking) return 5;
      in_mail = true;
      return 2;
    }
    if (verb == "RCPT") {
      if (!in_mail || chunking || failed) return 5;
      in_rcpt = true;
      return 2;
    }
    if (verb == "BADRCPT") return 5;
    if (verb == "DATA") {
      if (!in_rcpt || chunking || failed) return 5;
      reset();
      return 3;
    }
    if (verb == "BDAT" || verb == "LAST") {
      const bool good = in_rcpt && !failed;
      if (verb == "LAST") reset();
      else if (good) chunking = true;
      else failed = true;
      return good ? 2 : 5;
    }
    return 5;  // junk
  }
};

TEST_CASE("random walks agree with a model of the session (S13, in small)") {
  TestWorld world("smtpd_hard_error_limit = 1000000\nsmtpd_soft_error_limit = 1000000\n");
  std::mt19937 random(20261124);
  constexpr std::string_view verbs[] = {"HELO", "EHLO", "MAIL", "RCPT", "DATA",    "BDAT", "LAST",
                                        "RSET", "NOOP", "VRFY", "JUNK", "BADRCPT", "AUTH", "STARTTLS"};
  std::size_t expected_messages = 0;
  for (int walk = 0; walk < 100; ++walk) {
    world.run([&](io::Stream& stream) {
      const auto say = [&](std::string_view bytes) {
        stream.write(bytes, base::after(std::chrono::seconds(5)));
        return read_reply(stream);
      };
      static_cast<void>(read_reply(stream));
      static_cast<void>(say("EHLO c\r\n"));
      Model model;
      std::string history;
      for (int step = 0; step < 100; ++step) {
        const std::string_view verb = verbs[random() % std::size(verbs)];
        const bool was_good = model.in_rcpt && !model.failed;
        const int expected = model.expect(verb);
        std::string line = std::string(verb) + "\r\n";
        if (verb == "HELO" || verb == "EHLO") line = std::string(verb) + " c\r\n";
        if (verb == "MAIL") line = "MAIL FROM:<a@x.test>\r\n";
        if (verb == "RCPT") line = "RCPT TO:<alice>\r\n";
        if (verb == "BADRCPT") line = "RCPT TO:<x@other.test>\r\n";
        if (verb == "VRFY") line = "VRFY alice\r\n";
        if (verb == "BDAT") line = "BDAT 3\r\nabc";
        if (verb == "LAST") line = "BDAT 3 LAST\r\nabc";
        std::string reply = say(line);
        history += std::string(verb) + " ";
        CAPTURE(history);
        REQUIRE(reply[0] - '0' == expected);
        if (expected == 3) {
          reply = say("x\r\n.\r\n");
          REQUIRE(reply[0] == '2');
          ++expected_messages;
        }
        if (verb == "LAST" && was_good) ++expected_messages;
      }
      static_cast<void>(say("QUIT\r\n"));
    });
  }
  std::size_t finished = 0;
  for (const TestMessage& message : world.messages) finished += message.finished ? 1 : 0;
  CHECK(finished == expected_messages);
  CHECK(world.open_messages == 0);
}

}  // namespace
}  // namespace smtpd
