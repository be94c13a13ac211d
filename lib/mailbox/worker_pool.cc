#include "lib/mailbox/worker_pool.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/check.h"
#include "lib/log/log.h"

namespace mailbox {
namespace {

constexpr std::chrono::seconds order_patience{10};
constexpr std::chrono::seconds housekeeping_interval{2};

}  // namespace

Fd read_only(const Fd& file) {
  Fd copy(::open(fmt::format("/proc/self/fd/{}", file.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!copy) copy = Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  return copy;
}

Result<Turns::Turn> Turns::take(std::string name, std::size_t limit, Deadline deadline) {
  auto& queue = queues_[name];
  if (!queue) queue = std::make_unique<Queue>(limit);
  // Counts while it waits too, so that the queue lives; a cancelled wait takes itself out.
  struct Waiting {
    Turns& turns;
    const std::string& name;
    bool done = false;
    ~Waiting() {
      if (!done && --turns.queues_.find(name)->second->users == 0) turns.queues_.erase(name);
    }
  };
  ++queue->users;
  Waiting waiting{*this, name};
  if (!queue->semaphore.acquire(deadline)) return base::fail("no turn for " + name);
  waiting.done = true;
  return Turn(*this, std::move(name));
}

void Turns::release(const std::string& name) {
  const auto queue = queues_.find(name);
  CHECK(queue != queues_.end());
  queue->second->semaphore.release();
  if (--queue->second->users == 0) queues_.erase(queue);
}

WorkerPool::WorkerPool(Fd spawner) : spawner_(std::move(spawner)), nothing_(::dup(spawner_.fd())) {}

Result<WorkerPool::Worker> WorkerPool::take(Identity who, Deadline deadline) {
  auto& idle = idle_[who];
  while (!idle.empty()) {
    Worker worker = std::move(idle.back());
    idle.pop_back();
    // A worker says nothing by itself: what can be read is its end.
    if (worker.stream.is_at_rest()) return worker;
    kill(worker.number);
  }
  return start(who, deadline);
}

Result<WorkerPool::Worker> WorkerPool::start(Identity who, Deadline deadline) {
  if (workers_ >= worker_limit) {
    // The one that has been idle longest makes room. There is one: fewer than worker_limit are busy.
    auto oldest = idle_.end();
    for (auto users = idle_.begin(); users != idle_.end(); ++users) {
      if (users->second.empty()) continue;
      if (oldest == idle_.end() || users->second.front().idle_since < oldest->second.front().idle_since) oldest = users;
    }
    if (oldest == idle_.end()) return base::fail("no delivery worker is free");
    oldest->second.erase(oldest->second.begin());
    --workers_;
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return base::fail_system("socketpair");
  Worker worker{io::Stream(Fd(ends[0])), next_number_++, {}};
  SpawnerRequest request;
  request.number = worker.number;
  request.uid = who.uid;
  request.gid = who.gid;
  request.connection = Fd(ends[1]);
  order(request);
  if (spawner_.flush(deadline) != io::End::ok) return base::fail("the spawner of delivery workers is gone");
  ++workers_;
  return worker;
}

void WorkerPool::give_back(Identity who, Worker worker) {
  worker.idle_since = std::chrono::steady_clock::now();
  idle_[who].push_back(std::move(worker));
}

void WorkerPool::kill(std::int64_t number) {
  --workers_;
  SpawnerRequest request;
  request.order = SpawnerOrder::end;
  request.number = number;
  request.connection = Fd(::dup(nothing_.get()));
  // Sent with the next flush: this may run while a fiber is cancelled and must not wait.
  order(request);
}

void WorkerPool::order(const SpawnerRequest& request) { ipc::send(spawner_, request, base::after(order_patience)); }

void WorkerPool::start_housekeeping() {
  const auto fiber = event::Loop::current().spawn("workers", [this] {
    for (;;) {
      event::sleep_until(base::after(housekeeping_interval));
      drop_idle();
    }
  });
  if (!fiber) maillog::fatal("{}", fiber.error().message());
}

std::size_t WorkerPool::drop_idle() {
  const Deadline limit = std::chrono::steady_clock::now() - idle_time;
  for (auto& [who, workers] : idle_) {
    workers_ -= std::erase_if(workers, [&](const Worker& worker) { return worker.idle_since < limit; });
  }
  std::erase_if(idle_, [](const auto& user) { return user.second.empty(); });
  static_cast<void>(spawner_.flush(base::after(order_patience)));
  return workers_;
}

}  // namespace mailbox
