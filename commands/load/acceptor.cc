#include "commands/load/acceptor.h"

#include <cerrno>
#include <utility>

#include <sys/resource.h>

#include "lib/io/socket.h"
#include "lib/log/log.h"

namespace load {
namespace {

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds pause_when_out{200};   // of descriptors or memory

}  // namespace

Acceptor::Acceptor(std::string name, std::vector<Fd> listeners, std::size_t clients_limit, Session session)
    : name_(std::move(name)), listeners_(std::move(listeners)), clients_limit_(clients_limit), session_(std::move(session)) {}

void Acceptor::run() {
  watch();
  loop_.run();
}

void Acceptor::watch() {
  watches_.clear();
  for (const Fd& listener : listeners_) {
    watches_.push_back(loop_.watch_readable(listener.get(), [this, fd = listener.get()] { on_readable(fd); }));
  }
}

void Acceptor::on_readable(int listener) {
  for (int i = 0; i < accepts_per_turn && clients_ < clients_limit_; ++i) {
    Result<Fd> client = io::accept(listener);
    if (client) {
      start(std::move(*client));
      continue;
    }
    if (client.error().code() == EAGAIN) return;
    maillog::warning("{}", client.error().message());
    watches_.clear();
    pause_ = loop_.timer(pause_when_out, [this] { watch(); });
    return;
  }
  // Who comes now stays in the backlog.
  if (clients_ >= clients_limit_) watches_.clear();
}

void Acceptor::start(Fd client) {
  ++clients_;
  const auto shared = std::make_shared<Fd>(std::move(client));   // a std::function must be copyable
  const auto fiber = loop_.spawn(name_, [this, shared] {
    session_(std::move(*shared));
    if (clients_-- == clients_limit_) watch();
  });
  if (fiber) return;
  --clients_;
  maillog::warning("{}", fiber.error().message());
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace load
