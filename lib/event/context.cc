#include "lib/event/context.h"

#include <array>

namespace event {
namespace {

// makecontext passes ints only.
void portable_entry(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low) {
  const auto join = [](unsigned high, unsigned low) { return (static_cast<std::uintptr_t>(high) << 16 << 16) | low; };
  reinterpret_cast<Entry>(join(entry_high, entry_low))(reinterpret_cast<void*>(join(argument_high, argument_low)));
}

}  // namespace

void PortableContext::prepare(const Stack& stack, Entry entry, void* argument) {
  ::getcontext(&context_);
  context_.uc_stack.ss_sp = stack.low();
  context_.uc_stack.ss_size = stack_size;
  context_.uc_link = nullptr;
  const auto entry_bits = reinterpret_cast<std::uintptr_t>(entry);
  const auto argument_bits = reinterpret_cast<std::uintptr_t>(argument);
  ::makecontext(&context_, reinterpret_cast<void (*)()>(&portable_entry), 4, static_cast<unsigned>(entry_bits >> 16 >> 16),
                static_cast<unsigned>(entry_bits), static_cast<unsigned>(argument_bits >> 16 >> 16),
                static_cast<unsigned>(argument_bits));
}

#ifdef __x86_64__
extern "C" void event_start_fiber();

void FastContext::prepare(const Stack& stack, Entry entry, void* argument) {
  // The image that event_switch_stack restores, from the lowest address: control words, r15, r14, r13, r12, rbx, rbp,
  // return address. The ABI wants rsp + 8 divisible by 16 at a function's first instruction.
  constexpr std::uint64_t control_words = 0x0000'037f'0000'1f80;  // MXCSR and x87 as a process starts with
  std::array<std::uint64_t, 8> image{};
  image[0] = control_words;
  image[3] = reinterpret_cast<std::uint64_t>(entry);     // r13
  image[4] = reinterpret_cast<std::uint64_t>(argument);  // r12
  image[7] = reinterpret_cast<std::uint64_t>(&event_start_fiber);
  auto* const place = reinterpret_cast<std::uint64_t*>(stack.top()) - image.size() - 2;
  for (std::size_t i = 0; i < image.size(); ++i) place[i] = image[i];
  place[image.size()] = 0;  // where unwinding would look for a caller
  place[image.size() + 1] = 0;
  pointer_ = place;
}
#endif

}  // namespace event
