#include "lib/base/check.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace base {
namespace {
PanicHook panic_hook = nullptr;
}

void set_panic_hook(PanicHook hook) { panic_hook = hook; }

void report_panic(const char* text) {
  if (panic_hook != nullptr) panic_hook(text);
  [[maybe_unused]] ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  ignored = ::write(STDERR_FILENO, "\n", 1);
}

void panic(const char* condition, const char* file, int line) {
  // The process may be in any state, so nothing here allocates.
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%s:%d: %s does not hold", file, line, condition);
  report_panic(text.data());
  std::abort();
}

}  // namespace base
