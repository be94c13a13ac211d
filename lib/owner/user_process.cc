#include "lib/owner/user_process.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>

#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/owner/messages.h"
#include "lib/sandbox/enforce.h"

namespace owner {
namespace {

constexpr std::chrono::seconds patience{60};   // with a daemon that does not take a note: it is gone

class Process {
 public:
  // Notes go over a descriptor of their own, since another fiber waits on the first.
  Process(Fd connection, const Serve& serve)
      : notes_(Fd(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0))), orders_(std::move(connection)), serve_(serve) {}

  void run() {
    for (;;) {
      auto order = ipc::receive<SessionOrder>(orders_, base::no_deadline);
      if (!order) break;
      begin(std::move(*order));
    }
    is_over_ = true;
    has_ended_.notify();
  }

  // The one fiber that writes notes.
  void tell() {
    for (;;) {
      static_cast<void>(has_ended_.wait(base::no_deadline));
      while (!ended_.empty()) {
        for (const std::uint64_t number : std::exchange(ended_, {})) ipc::send(notes_, SessionNote{number}, base::after(patience));
        if (notes_.flush(base::after(patience)) != io::End::ok) is_over_ = true;   // the daemon is gone
      }
      stop_if_over();
    }
  }

 private:
  void begin(SessionOrder order) {
    const std::uint64_t number = order.number;
    ++sessions_;
    auto session = std::make_shared<Session>(Session{.stream = io::Stream(std::move(order.connection)),
                                                     .user = {std::move(order.user), std::move(order.home), std::move(order.mail), std::move(order.quota)},
                                                     .number = static_cast<unsigned long>(order.log_number),
                                                     .client = std::move(order.client),
                                                     .is_encrypted = order.is_encrypted,
                                                     .tag = std::move(order.tag)});
    const auto fiber = event::Loop::current().spawn("session", [this, number, session = std::move(session)]() mutable {
      struct End {
        Process& process;
        std::uint64_t number;
        ~End() { process.ended(number); }
      } const end{*this, number};
      maillog::set_session(session->number);
      serve_(*session);
      session.reset();   // the client sees the end before the daemon hears of it
    });
    if (fiber) return;
    maillog::warning("cannot serve a session: {}", fiber.error().message());
    ended(number);
  }

  // Also while a fiber is cancelled: nothing here waits.
  void ended(std::uint64_t number) {
    --sessions_;
    ended_.push_back(number);
    has_ended_.notify();
  }

  void stop_if_over() {
    if (is_over_ && sessions_ == 0 && ended_.empty()) event::Loop::current().stop();
  }

  io::Stream notes_, orders_;
  const Serve& serve_;
  std::size_t sessions_ = 0;
  std::vector<std::uint64_t> ended_;   // that the daemon has not been told of
  event::Notify has_ended_;
  bool is_over_ = false;
};

}  // namespace

void serve_sessions(Fd connection, const Serve& serve) {
  event::Loop loop;
  loop.carry_log();
  Process process(std::move(connection), serve);
  if (auto done = sandbox::enforce({.connects_unix = true, .accepts = false, .reads_files = true, .writes_files = true}); !done) {
    maillog::fatal("{}", done.error().message());
  }
  const auto fiber = loop.spawn("orders", [&] { process.run(); });
  if (!fiber) maillog::fatal("{}", fiber.error().message());
  const auto notes = loop.spawn("notes", [&] { process.tell(); });
  if (!notes) maillog::fatal("{}", notes.error().message());
  loop.run();
  maillog::flush();
}

}  // namespace owner
