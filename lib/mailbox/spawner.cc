#include "lib/mailbox/spawner.h"

#include <cerrno>
#include <csignal>
#include <map>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/event/loop.h"
#include "lib/io/stream.h"
#include "lib/mailbox/worker.h"
#include "lib/mailbox/worker_messages.h"

namespace mailbox {
namespace {

constexpr std::chrono::seconds reap_interval{5};
constexpr std::chrono::seconds order_patience{60};

class Spawner {
 public:
  Spawner(Fd orders, const WorkerLife& life) : orders_(std::move(orders)), life_(life) {}

  // Until the agent is gone.
  void run() {
    for (;;) {
      reap();
      if (!orders_.has_input() && !event::wait_fd(orders_.fd(), event::Ready::readable, base::after(reap_interval))) continue;
      auto request = ipc::receive<SpawnerRequest>(orders_, base::after(order_patience));
      if (!request) return;
      switch (request->order) {
        case SpawnerOrder::start: start(std::move(*request)); break;
        case SpawnerOrder::end: end(request->number); break;
      }
    }
  }

 private:
  void start(SpawnerRequest request) {
    // Without what fork() does for a process with threads, which would cost each worker three pages.
    const pid_t pid = ::_Fork();
    if (pid == 0) {
      run_worker(std::move(request.connection), static_cast<uid_t>(request.uid), static_cast<gid_t>(request.gid), life_);
    }
    if (pid > 0) workers_[request.number] = pid;
    // Our copy of the connection closes here: when the fork failed the agent sees its end.
  }

  void end(std::int64_t number) {
    // A number that is not here has been reaped; one that is here has not, so its pid is still its own.
    if (const auto worker = workers_.find(number); worker != workers_.end()) ::kill(worker->second, SIGKILL);
  }

  void reap() {
    for (pid_t pid; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) {
      std::erase_if(workers_, [pid](const auto& worker) { return worker.second == pid; });
    }
  }

  io::Stream orders_;
  const WorkerLife& life_;
  std::map<std::int64_t, pid_t> workers_;
};

[[noreturn]] void run_spawner(Fd orders, const WorkerLife& life) {
  base::set_panic_hook(nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // master ends a program by SIGTERM to its process group; a delivery under way is finished, and the spawner ends when
  // its agent does.
  ::signal(SIGTERM, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Listeners, the log and master's descriptors are the agent's: only the orders, under a number that is known, stay.
  constexpr int number = 3;
  if (orders.get() != number) {
    if (::dup3(orders.get(), number, O_CLOEXEC) < 0) ::_exit(1);
    orders.reset(number);
  }
  ::close_range(number + 1, ~0U, 0);
  if (life.warm_up) life.warm_up();
  Spawner(std::move(orders), life).run();
  ::_exit(0);
}

}  // namespace

Result<Fd> start_spawner(const WorkerLife& life) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return base::fail_system("socketpair");
  Fd agent(ends[0]);
  Fd orders(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_system("fork");
  if (pid == 0) run_spawner(std::move(orders), life);
  return agent;
}

}  // namespace mailbox
