#pragma once
// A suspended execution: what the processor needs to go on with it. Two ways to switch, chosen by processor; both are
// always built, so that tests run the fallback too.

#include <cstdint>

#include <ucontext.h>

#include "lib/event/stack_pool.h"

namespace event {

// Its first switch runs entry(argument) on the stack; entry never returns.
using Entry = void (*)(void* argument);

// glibc's own: right on every processor, but each switch makes two system calls (1,370 ns against 20).
class PortableContext {
 public:
  PortableContext() = default;  // this thread, once it switches away
  PortableContext(const PortableContext&) = delete;
  PortableContext& operator=(const PortableContext&) = delete;
  ~PortableContext() = default;
  void prepare(const Stack& stack, Entry entry, void* argument);
  // Saves this execution here and goes on with `target`.
  void switch_to(PortableContext& target) { ::swapcontext(&context_, &target.context_); }

 private:
  ucontext_t context_{};
};

#ifdef __x86_64__
extern "C" void event_switch_stack(void** save, void* target);

// The callee-saved registers lie on the stack (switch_x86_64.S); a context is the stack pointer.
class FastContext {
 public:
  FastContext() = default;
  FastContext(const FastContext&) = delete;
  FastContext& operator=(const FastContext&) = delete;
  ~FastContext() = default;
  void prepare(const Stack& stack, Entry entry, void* argument);
  void switch_to(FastContext& target) { event_switch_stack(&pointer_, target.pointer_); }

 private:
  void* pointer_ = nullptr;
};
using Context = FastContext;
#else
using Context = PortableContext;
#endif

}  // namespace event
