#pragma once
// (The namespace is maillog, since ::log is a function of the C library.)
//
// One line per event, under the tag and number that open() set: "postfix/smtpd[123]: text". Text that a peer supplied
// is made printable here, so that no line can be forged. Lines are buffered until flush().

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace maillog {

enum class Level { info, warning, error, fatal, panic };

// The tag "SYSLOG_NAME/PROGRAM", as in "postfix/smtpd" or "postfix/submission/smtpd".
void set_tag(std::string tag);
[[nodiscard]] const std::string& tag();

// The number in brackets: the process id, or a session's own number where a process has many sessions (log tools key
// sessions by it). 0 means the process id. The scheduler of fibers keeps one per fiber and restores it at each switch.
void set_session(unsigned long number);
[[nodiscard]] unsigned long session();

// Writes one line, with the level's label in front of it ("warning: "). Never blocks for long, never fails.
void write(Level level, std::string_view text);

// Hands buffered lines to the sink. The event loop calls it before each wait, the stream before each reply.
void flush();
// The log daemon did not take all: to be tried again soon, also when nothing else happens.
[[nodiscard]] bool is_behind();

// Ends the process after its line is written: the kind of failure that a restart may cure.
[[noreturn]] void exit_fatal(std::string_view text, int status = 1);

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void fatal(fmt::format_string<Args...> format, Args&&... args) {
  exit_fatal(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace maillog
