#pragma once
// What the sanitizers and valgrind must be told about fibers: where stacks are, and when execution moves from one to
// another. Every function is empty in a plain build.

#include <cstddef>

#include "lib/event/sanitizers.h"

#ifdef EVENT_WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EVENT_WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace event::annotate {

// The sanitizers' view of one execution: the thread's own, or a fiber's.
struct Execution {
  const void* stack_low = nullptr;  // for the thread's own: learned at the first arrival in a fiber
  std::size_t stack_size = 0;
  void* fake_stack = nullptr;
  void* tsan_fiber = nullptr;
};

inline void begin([[maybe_unused]] Execution& execution) {
#ifdef EVENT_WITH_TSAN
  execution.tsan_fiber = __tsan_create_fiber(0);
#endif
}

inline void adopt_thread([[maybe_unused]] Execution& execution) {
#ifdef EVENT_WITH_TSAN
  execution.tsan_fiber = __tsan_get_current_fiber();
#endif
}

inline void end([[maybe_unused]] Execution& execution) {
#ifdef EVENT_WITH_TSAN
  __tsan_destroy_fiber(execution.tsan_fiber);
#endif
}

// Just before the switch from `from` to `to`.
inline void leaving([[maybe_unused]] Execution& from, [[maybe_unused]] const Execution& to) {
#ifdef EVENT_WITH_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_low, to.stack_size);
#endif
#ifdef EVENT_WITH_TSAN
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

// The same, where `from` will never run again.
inline void leaving_for_good([[maybe_unused]] const Execution& to) {
#ifdef EVENT_WITH_ASAN
  __sanitizer_start_switch_fiber(nullptr, to.stack_low, to.stack_size);
#endif
#ifdef EVENT_WITH_TSAN
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

// First thing after a switch: `here` runs again (or for the first time), `from` was left.
inline void arrived([[maybe_unused]] Execution& here, [[maybe_unused]] Execution& from) {
#ifdef EVENT_WITH_ASAN
  __sanitizer_finish_switch_fiber(here.fake_stack, &from.stack_low, &from.stack_size);
#endif
}

inline unsigned register_stack([[maybe_unused]] const char* low, [[maybe_unused]] const char* top) {
#ifdef VALGRIND_STACK_REGISTER
  return VALGRIND_STACK_REGISTER(low, top);
#else
  return 0;
#endif
}

inline void forget_stack([[maybe_unused]] unsigned id) {
#ifdef VALGRIND_STACK_DEREGISTER
  VALGRIND_STACK_DEREGISTER(id);
#endif
}

}  // namespace event::annotate
