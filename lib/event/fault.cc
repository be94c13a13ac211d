#include "lib/event/fault.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "lib/base/check.h"
#include "lib/event/fiber.h"

namespace event::fault {
namespace {

constexpr std::size_t alternate_stack_size = 32 * 1024;

// What was installed before ours (a sanitizer's, or the default), which the second fault meets.
struct sigaction previous_segv, previous_bus;

// The log's writer allocates, and the fault may have struck within malloc: do not hang there.
constexpr unsigned report_seconds = 2;

void give_up_after(unsigned seconds) {
  ::signal(SIGALRM, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::alarm(seconds);
}

void report(int signal, siginfo_t* info, void*) {
  std::array<char, 200> text{};
  const Fiber* const fiber = Fiber::current();
  const bool overflow = fiber != nullptr && fiber->stack().guards(info->si_addr);
  std::snprintf(text.data(), text.size(), "%s at address %p in %s%.100s", overflow ? "stack overflow" : "memory fault",
                info->si_addr, fiber == nullptr ? "no fiber" : "fiber ", fiber == nullptr ? "" : fiber->name().c_str());
  give_up_after(report_seconds);
  base::report_panic(text.data());
  // Back to what was there: the instruction faults again, and that ends the process.
  ::sigaction(signal, signal == SIGSEGV ? &previous_segv : &previous_bus, nullptr);
}

void give_thread_alternate_stack() {
  stack_t present{};
  ::sigaltstack(nullptr, &present);
  if ((present.ss_flags & SS_DISABLE) == 0) return;
  static thread_local std::array<char, alternate_stack_size> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  ::sigaltstack(&stack, nullptr);
}

void install_handler(int signal, struct sigaction& previous) {
  struct sigaction present {};
  ::sigaction(signal, nullptr, &present);
  if ((present.sa_flags & SA_SIGINFO) != 0 && present.sa_sigaction == &report) return;
  previous = present;
  struct sigaction action {};
  action.sa_sigaction = &report;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install() {
  give_thread_alternate_stack();
  install_handler(SIGSEGV, previous_segv);
  install_handler(SIGBUS, previous_bus);
}

}  // namespace event::fault
