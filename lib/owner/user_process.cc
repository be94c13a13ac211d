#include "lib/owner/user_process.h"

#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>

#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/mailbox/dotlock.h"
#include "lib/owner/messages.h"

namespace owner {
namespace {

constexpr std::chrono::seconds patience{60};   // with a daemon that does not take a note, or end an order: it is gone

constexpr std::size_t longer_than_a_buffer = 1000;   // of {fmt}
constexpr int mapped_from = 64 * 1024;               // bytes

class Process {
 public:
  Process(Fd connection, const Serve& serve) : daemon_(std::move(connection)), serve_(serve) {}

  // The one fiber that speaks with the daemon. Until it has closed, and the last session is over.
  void run() {
    while (takes_orders_ || sessions_ > 0) {
      if (!ended_.empty()) tell();
      else if (!takes_orders_) static_cast<void>(has_ended_.wait(base::no_deadline));
      else if (daemon_.peek_input() || wait()) take_order();
    }
    event::Loop::current().stop();
  }

 private:
  // True: the daemon has said something, or is gone.
  [[nodiscard]] bool wait() {
    event::trim_stack();
    return event::wait_any(base::no_deadline, std::array{event::Source::readable(daemon_.fd()), event::Source::notified(has_ended_)}) == 0U;
  }

  void take_order() {
    auto order = ipc::receive<SessionOrder>(daemon_, base::after(patience));
    if (order) return begin(std::move(*order));
    takes_orders_ = false;
  }

  void tell() {
    for (const std::uint64_t number : std::exchange(ended_, {})) ipc::send(daemon_, SessionNote{number}, base::after(patience));
    if (daemon_.flush(base::after(patience)) != io::End::ok) takes_orders_ = false;   // it is gone
  }

  void begin(SessionOrder order) {
    const std::uint64_t number = order.number;
    ++sessions_;
    auto session = std::make_shared<Session>(Session{.stream = io::Stream(std::move(order.connection)),
                                                     .user = {std::move(order.user), std::move(order.home), std::move(order.mail), std::move(order.quota)},
                                                     .number = static_cast<unsigned long>(order.log_number),
                                                     .client = std::move(order.client),
                                                     .is_encrypted = order.is_encrypted,
                                                     .tag = std::move(order.tag)});
    auto lifeline = std::make_shared<Fd>(std::move(order.lifeline));
    const auto fiber = event::Loop::current().spawn("session", [this, number, session = std::move(session), lifeline = std::move(lifeline)]() mutable {
      struct End {
        Process& process;
        std::uint64_t number;
        ~End() { process.ended(number); }
      } const end{*this, number};
      maillog::set_session(session->number);
      serve_(*session);
      session.reset();
      lifeline.reset();   // the client sees the end before the daemon hears of it
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

  io::Stream daemon_;
  const Serve& serve_;
  std::size_t sessions_ = 0;
  std::vector<std::uint64_t> ended_;   // that the daemon has not been told of
  event::Notify has_ended_;
  bool takes_orders_ = true;
};

}  // namespace

// No connect: a client's own socket could be connected to somebody else.
Result<sandbox::Confinement> users_confinement() {
  return sandbox::Confinement::prepare({.connects_unix = false, .accepts = false, .reads_files = true, .writes_files = true});
}

void warm_up() {
  {
    event::Loop loop;
    const auto fiber = loop.spawn("first", [&] {
      static_cast<void>(mailbox::LockHolder::self());
      static_cast<void>(fmt::format("{:08x} {}", 1, std::string(longer_than_a_buffer, ' ')));
      event::sleep_until(base::after(std::chrono::milliseconds(1)));
      loop.stop();
    });
    if (fiber) loop.run();
  }
  // What is large is a mapping of its own, and goes back when it is freed. (The library would raise the limit to what it has seen.)
  ::mallopt(M_MMAP_THRESHOLD, mapped_from);
  ::malloc_trim(0);
}

void serve_sessions(Fd connection, const Serve& serve, const sandbox::Confinement& confinement) {
  // Who waits for an answer is a person, not a queue: no waiting for one's turn, as daemons do (server::run).
  const sched_param standard{};
  static_cast<void>(::sched_setscheduler(0, SCHED_OTHER, &standard));
  event::Loop loop;
  loop.carry_log();
  Process process(std::move(connection), serve);
  if (auto done = confinement.enforce(); !done) maillog::fatal("{}", done.error().message());
  const auto fiber = loop.spawn("orders", [&] { process.run(); });
  if (!fiber) maillog::fatal("{}", fiber.error().message());
  loop.run();
  maillog::flush();
}

}  // namespace owner
