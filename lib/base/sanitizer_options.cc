// Only linked with --enable-sanitizers: what AddressSanitizer does when nobody says otherwise. Programs end without their
// destructors on purpose, and setgid programs may not look at themselves, so leaks are not looked for at the end.

extern "C" {
const char* __asan_default_options();
const char* __asan_default_options() { return "detect_leaks=0"; }
// By this name the linker is told to take this file from the library; the other one the sanitizer's library has too.
extern const int valija_sanitizer_options;
const int valija_sanitizer_options = 1;
}
