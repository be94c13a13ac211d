#pragma once
// The threads behind blocking(): they take jobs in order and hand the finished ones back to the loop. Internal to
// lib/event.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <pthread.h>
#include <semaphore.h>

#include "lib/base/fd.h"
#include "lib/event/fiber.h"
#include "lib/event/reactor.h"

namespace event {

class OffloadPool {
 public:
  explicit OffloadPool(reactor::Base& base);
  ~OffloadPool();  // waits for the jobs that run; nobody may be waiting for one
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  // Parks the fiber until a thread has run `fn`.
  void run(Fiber& fiber, const std::function<void()>& fn);

 private:
  struct Job {
    const std::function<void()>* fn;
    Fiber* fiber;
    Job* next = nullptr;
    bool is_done = false;  // for the loop's thread only
  };
  // A chain of jobs, first in, first out.
  struct Chain {
    void append(Job& job);
    Job* take_first();
    Job* first = nullptr;
    Job* last = nullptr;
  };

  void add_thread();
  void work();
  [[nodiscard]] Job* next_job();
  void collect();

  // A semaphore and not a condition variable: whoever is woken does not have to wait for the mutex next.
  sem_t work_;  // one for each waiting job; at the end one for each thread
  std::atomic<std::size_t> idle_threads_ = 0;

  std::mutex mutex_;  // over the chains
  Chain waiting_, done_;
  std::size_t waiting_jobs_ = 0;

  Fd done_signal_;  // eventfd: a job was added to an empty done_
  reactor::Registration done_event_;
  std::vector<pthread_t> threads_;
};

}  // namespace event
