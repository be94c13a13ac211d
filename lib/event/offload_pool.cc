#include "lib/event/offload_pool.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/event/loop.h"
#include "lib/event/offload.h"
#include "lib/log/log.h"

namespace event {
namespace {

constexpr std::size_t thread_stack_size = 512 * 1024;  // NSS modules and resolvers want more than a fiber has

}  // namespace

void OffloadPool::Chain::append(Job& job) {
  job.next = nullptr;
  (last == nullptr ? first : last->next) = &job;
  last = &job;
}

OffloadPool::Job* OffloadPool::Chain::take_first() {
  Job* const job = first;
  if (job == nullptr) return nullptr;
  first = job->next;
  if (first == nullptr) last = nullptr;
  return job;
}

OffloadPool::OffloadPool(reactor::Base& base) : done_signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(::sem_init(&work_, 0, 0) == 0);
  if (!done_signal_) maillog::fatal("cannot make an eventfd: {}", base::Error::system("eventfd").message());
  done_event_.assign(base, reactor::Kind::readable_level, done_signal_.get(),
                     [](void* self, reactor::What) { static_cast<OffloadPool*>(self)->collect(); }, this);
  CHECK(done_event_.add());
}

OffloadPool::~OffloadPool() {
  for (std::size_t i = 0; i < threads_.size(); ++i) ::sem_post(&work_);
  for (const pthread_t thread : threads_) ::pthread_join(thread, nullptr);
  ::sem_destroy(&work_);
  done_event_.remove();
}

// Signals are the loop's business, so the threads block all.
void OffloadPool::add_thread() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, thread_stack_size);
  pthread_t thread{};
  const int error = ::pthread_create(&thread, &attributes, [](void* self) -> void* {
    static_cast<OffloadPool*>(self)->work();
    return nullptr;
  }, this);
  ::pthread_attr_destroy(&attributes);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error == 0) {
    threads_.push_back(thread);
  } else if (threads_.empty()) {
    maillog::fatal("cannot start a thread: {}", base::Error::system("pthread_create", error).message());
  }
}

void OffloadPool::run(Fiber& fiber, const std::function<void()>& fn) {
  Job job{.fn = &fn, .fiber = &fiber};
  bool wants_thread = false;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.append(job);
    wants_thread = ++waiting_jobs_ > idle_threads_;
  }
  if (wants_thread && threads_.size() < offload_threads) add_thread();
  ::sem_post(&work_);
  const Shield shield;  // the job uses what the fiber owns
  while (!job.is_done) fiber.park(base::no_deadline);
}

void OffloadPool::work() {
  while (Job* const job = next_job()) {
    (*job->fn)();
    bool must_signal = false;
    {
      const std::scoped_lock lock(mutex_);
      must_signal = done_.first == nullptr;
      done_.append(*job);
    }
    if (!must_signal) continue;
    constexpr std::uint64_t one = 1;
    CHECK(::write(done_signal_.get(), &one, sizeof one) == sizeof one);
  }
}

// Waits for a job. Null: the pool ends.
OffloadPool::Job* OffloadPool::next_job() {
  ++idle_threads_;
  while (::sem_wait(&work_) != 0) {
  }
  --idle_threads_;
  const std::scoped_lock lock(mutex_);
  Job* const job = waiting_.take_first();
  if (job != nullptr) --waiting_jobs_;
  return job;
}

void OffloadPool::collect() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(done_signal_.get(), &count, sizeof count);
  Chain done;
  {
    const std::scoped_lock lock(mutex_);
    done = std::exchange(done_, Chain{});
  }
  while (Job* const job = done.take_first()) {
    job->is_done = true;
    job->fiber->wake();
  }
}

}  // namespace event
