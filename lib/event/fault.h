#pragma once
// A stack that ran into its guard, or any other SIGSEGV or SIGBUS: one line that names the fiber, then the process ends
// by that signal (master counts it as a crash).

namespace event::fault {

// Installs the handlers and this thread's alternate stack. Repeated calls do nothing.
void install();

}  // namespace event::fault
