#pragma once
// CHECK: a statement about our own code that must hold. Always on. It is not for input, configuration or anything a
// peer can cause: those are an Error. A failed CHECK writes one line to standard error and to the panic hook (lib/log
// sets it, so that the line reaches the mail log as "panic:"), then aborts; master starts the program again.

namespace base {

using PanicHook = void (*)(const char* text);
void set_panic_hook(PanicHook hook);

// Hands one line to the panic hook and to standard error: for what ends the process anyhow. Does not allocate.
void report_panic(const char* text);

[[noreturn]] void panic(const char* condition, const char* file, int line);

}  // namespace base

#define CHECK(condition) (static_cast<bool>(condition) ? void() : ::base::panic(#condition, __FILE__, __LINE__))
