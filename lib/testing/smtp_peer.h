#pragma once
// An SMTP server that says what a test tells it, in fibers of the current loop.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/io/stream.h"

namespace testing {

class SmtpPeer {
 public:
  // The reply to what came, with CR LF between its lines but none at its end. "greeting" asks for the greeting, "." for the
  // reply to the end of a message; everything else is the command line. closes: the connection ends here without a
  // reply. silent: nothing is said.
  using Script = std::function<std::string(std::string_view heard)>;
  static constexpr std::string_view closes = "<closes>";
  static constexpr std::string_view silent = "<silent>";

  explicit SmtpPeer(Script script);
  ~SmtpPeer();
  SmtpPeer(const SmtpPeer&) = delete;
  SmtpPeer& operator=(const SmtpPeer&) = delete;

  [[nodiscard]] const io::Endpoint& endpoint() const { return endpoint_; }
  // All that came: commands, and content lines as they were, without their line ends; "<connection>" before each.
  [[nodiscard]] const std::vector<std::string>& heard() const { return heard_; }
  [[nodiscard]] int connections() const { return connections_; }

  // A server that takes everything, with these extensions.
  static std::string accept_all(std::string_view heard, std::string_view ehlo = "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 100000\r\n250 DSN");

 private:
  void accept();
  void serve(io::Stream& stream);

  Script script_;
  Fd listener_;
  io::Endpoint endpoint_;
  std::vector<std::string> heard_;
  int connections_ = 0;
  event::FiberRef acceptor_;
  std::vector<event::FiberRef> sessions_;
};

}  // namespace testing
