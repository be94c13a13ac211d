// Only in builds with --enable-sanitizers: what AddressSanitizer does when nobody says otherwise. Programs end without their
// destructors on purpose, and setgid programs may not look at themselves, so leaks are not looked for at the end.

extern "C" const char* __asan_default_options();  // NOLINT: the sanitizer's name
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
