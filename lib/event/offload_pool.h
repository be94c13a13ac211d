#pragma once
// The threads behind blocking(): they take jobs in order and hand the finished ones back to the loop. Internal to
// lib/event.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <pthread.h>

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
  void collect();

  std::mutex mutex_;  // over the four below
  std::condition_variable work_came_;
  Chain waiting_, done_;
  int idle_threads_ = 0;
  bool is_ending_ = false;

  Fd done_signal_;  // eventfd: a job was added to an empty done_
  reactor::Registration done_event_;
  std::vector<pthread_t> threads_;
};

}  // namespace event
