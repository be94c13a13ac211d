#include "lib/testing/smtp_peer.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace testing {
namespace {
constexpr std::chrono::seconds patience{20};
constexpr std::size_t line_limit = 100'000;
}  // namespace

SmtpPeer::SmtpPeer(Script script)
    : script_(std::move(script)), listener_(std::move(*io::listen_tcp({*io::Address::parse("127.0.0.1"), 0}, 10))),
      endpoint_(*io::local_of(listener_.get())), acceptor_(*event::Loop::current().spawn("peer", [this] { accept(); })) {}

SmtpPeer::~SmtpPeer() {
  acceptor_.cancel();
  for (const event::FiberRef& session : sessions_) session.cancel();
  const event::Shield shield;
  const auto is_running = [](const event::FiberRef& fiber) { return fiber.is_running(); };
  while (acceptor_.is_running() || std::ranges::any_of(sessions_, is_running)) event::yield();
}

void SmtpPeer::accept() {
  for (;;) {
    static_cast<void>(event::wait_fd(listener_.get(), event::Ready::readable, base::no_deadline));
    auto fd = io::accept(listener_.get());
    if (!fd) continue;
    ++connections_;
    auto stream = std::make_shared<io::Stream>(std::move(*fd));
    sessions_.push_back(*event::Loop::current().spawn("peer session", [this, stream] { serve(*stream); }));
  }
}

void SmtpPeer::serve(io::Stream& stream) {
  const Deadline deadline = base::after(patience);
  heard_.emplace_back("<connection>");
  bool in_content = false;
  std::string heard = "greeting";
  for (;;) {
    const std::string reply = in_content && heard != "." ? std::string(silent) : script_(heard);
    if (heard == ".") in_content = false;
    if (reply == closes) {
      static_cast<void>(stream.flush(deadline));  // what was said before
      return;
    }
    if (reply != silent) stream.write(reply + "\r\n", deadline);
    if (reply.starts_with("354")) in_content = true;
    if (reply.starts_with("421") || heard == "QUIT") {
      static_cast<void>(stream.flush(deadline));
      return;
    }
    const io::LineResult line = stream.read_line(deadline, line_limit);
    if (!line) return;
    heard = line.text();
    heard_.push_back(heard);
  }
}

std::string SmtpPeer::accept_all(std::string_view heard, std::string_view ehlo) {
  if (heard == "greeting") return "220 peer.test ESMTP";
  if (heard.starts_with("EHLO")) return std::string(ehlo);
  if (heard.starts_with("DATA")) return "354 go";
  if (heard == ".") return "250 2.0.0 Ok: queued as XYZ";
  if (heard == "QUIT") return "221 2.0.0 Bye";
  return heard.starts_with("MAIL") ? "250 2.1.0 Ok" : heard.starts_with("RCPT") ? "250 2.1.5 Ok" : "250 2.0.0 Ok";
}

}  // namespace testing
