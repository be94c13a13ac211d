#pragma once
// An agent's workers. A worker that has become a user stays for a while, since a fork costs more than a delivery.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/event/loop.h"
#include "lib/io/stream.h"
#include "lib/mailbox/outcome.h"
#include "lib/mailbox/worker_messages.h"

namespace mailbox {

struct Identity {
  uid_t uid;
  gid_t gid;
  auto operator<=>(const Identity&) const = default;
};

// The file under a description of its own, for reading only: what a worker gets, which has the rights of somebody else.
[[nodiscard]] Fd read_only(const Fd& file);

// At most one holder per name; others park.
class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, std::string name) : turns_(&turns), name_(std::move(name)) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), name_(std::move(other.name_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->release(name_);
    }

   private:
    Turns* turns_;
    std::string name_;
  };
  [[nodiscard]] Result<Turn> take(std::string name, std::size_t limit, Deadline deadline);

 private:
  friend class Turn;
  struct Queue {
    explicit Queue(std::size_t limit) : semaphore(limit) {}
    event::Semaphore semaphore;
    int users = 0;
  };
  void release(const std::string& name);
  std::map<std::string, std::unique_ptr<Queue>, std::less<>> queues_;
};

class WorkerPool {
 public:
  static constexpr std::size_t worker_limit = 64;            // of all users together
  static constexpr std::size_t workers_per_user_limit = 32;
  static constexpr std::chrono::seconds idle_time{10};
  static constexpr std::chrono::seconds task_margin{60};     // beyond what a task may take by itself

  // `spawner` is what start_spawner() returned.
  explicit WorkerPool(Fd spawner);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Has the task done with the rights of `who`, and parks until it is. An agent that is not root does all as itself. An
  // Error says that it is not known to be done: no worker, or it died (a user may kill his own), or it took longer than
  // `time_limit` and a margin and was killed.
  template <class Request>
  [[nodiscard]] Result<typename Request::Answer> ask(Identity who, const Request& request,
                                                     std::chrono::steady_clock::duration time_limit);

  // Deliveries to one mbox take turns here instead of at its lock.
  Turns& mailbox_turns() { return mailbox_turns_; }

  // A fiber that ends workers which have nothing to do, for the life of the process.
  void start_housekeeping();

  // Closes workers that have had nothing to do for idle_time. Returns how many stay.
  std::size_t drop_idle();

 private:
  struct Worker {
    io::Stream stream;
    std::int64_t number;
    Deadline idle_since{};
  };
  // A worker that is busy. Unless it is given back, it is killed.
  class Lease;

  [[nodiscard]] Result<Worker> take(Identity who, Deadline deadline);
  [[nodiscard]] Result<Worker> start(Identity who, Deadline deadline);
  void give_back(Identity who, Worker worker);
  void kill(std::int64_t number);
  void order(const SpawnerRequest& request);

  io::Stream spawner_;
  Fd nothing_;                 // goes with an order that needs no descriptor
  std::int64_t next_number_ = 1;
  std::size_t workers_ = 0;    // idle and busy
  std::map<Identity, std::vector<Worker>> idle_;
  event::Semaphore slots_{worker_limit};
  Turns user_turns_, mailbox_turns_;
};

class WorkerPool::Lease {
 public:
  Lease(WorkerPool& pool, Identity who, Worker worker) : pool_(pool), who_(who), worker_(std::move(worker)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (!given_back_) pool_.kill(worker_.number);
  }
  [[nodiscard]] io::Stream& stream() { return worker_.stream; }
  void give_back() {
    given_back_ = true;
    pool_.give_back(who_, std::move(worker_));
  }

 private:
  WorkerPool& pool_;
  Identity who_;
  Worker worker_;
  bool given_back_ = false;
};

// A slot of a semaphore for a scope.
class Slot {
 public:
  [[nodiscard]] static Result<Slot> take(event::Semaphore& semaphore, Deadline deadline) {
    if (!semaphore.acquire(deadline)) return base::fail("no delivery worker is free");
    return Slot(semaphore);
  }
  Slot(Slot&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  ~Slot() {
    if (semaphore_ != nullptr) semaphore_->release();
  }

 private:
  explicit Slot(event::Semaphore& semaphore) : semaphore_(&semaphore) {}
  event::Semaphore* semaphore_;
};

template <class Request>
Result<typename Request::Answer> WorkerPool::ask(Identity who, const Request& request,
                                                 std::chrono::steady_clock::duration time_limit) {
  if (::geteuid() != 0) who = {::geteuid(), ::getegid()};
  // Waiting for a free worker is bounded apart from the task's own time.
  const Deadline start_by = base::after(time_limit + task_margin);
  const auto turn = TRY(user_turns_.take(std::to_string(who.uid), workers_per_user_limit, start_by));
  const Slot slot = TRY(Slot::take(slots_, start_by));
  Lease lease(*this, who, TRY(take(who, start_by)));
  const Deadline deadline = base::after(time_limit + task_margin);
  ipc::send(lease.stream(), WorkerTask{Request::task}, deadline);
  ipc::send(lease.stream(), request, deadline);
  auto answer = ipc::receive<typename Request::Answer>(lease.stream(), deadline);
  if (!answer) return base::Failure(std::move(answer).error().within("delivery worker"));
  lease.give_back();
  return answer;
}

}  // namespace mailbox
