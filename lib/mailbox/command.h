#pragma once
// Giving a message to a command of the site or of a user: the message on its standard input, a bounded part of its output
// kept for the sender, its whole process group ended at the time limit.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mailbox/content.h"
#include "lib/mailbox/outcome.h"

namespace mailbox {

inline constexpr std::size_t command_output_limit = 4096;  // bytes that are kept; more is read and dropped

struct CommandTarget {
  std::vector<std::string> arguments;    // the program and its arguments, run without any shell; or empty, and then:
  std::string command;                   // a text, for the shell where it needs one
  std::string shell;                     // local_command_shell
  std::string directory;                 // to run in; empty: ours, the queue directory
  std::vector<std::string> environment;  // NAME=VALUE, the whole of it
  std::chrono::seconds time_limit{1000};
  std::int64_t file_size_limit = 0;      // of files that it writes; 0: none
  std::string agent = "local";           // who runs it: for the words about a command that cannot be started
};

enum class CommandEnd { exited, killed_by_signal, timed_out };

struct CommandResult {
  CommandEnd end = CommandEnd::exited;
  int status = 0;                      // exit status, or the signal
  std::string output;                  // standard output and error
  std::vector<std::string> fatal;      // for the log, as "fatal:" lines: the command could not be started
  std::string damage;                  // not empty: the queue file could not be read to its end
};

// Blocks, at most for the time limit. Fails only when nothing was started. SIGPIPE must be ignored. The command keeps none of our descriptors,
// and its setgid programs keep their gid.
[[nodiscard]] Result<CommandResult> run_command(const CommandTarget& target, Content& content);

// What it means for the mail, by <sysexits.h>. `reason` has the command's output at its end; an output that begins with
// a status code ("5.7.1 go away") counts instead of the exit status.
[[nodiscard]] Outcome judge(const CommandResult& result, std::string_view command);

// For the Diagnostic-Code of a notice: the command's output, without NULs and without a status code that counts; else what its exit status means, if it means
// anything.
[[nodiscard]] std::string diagnosis(const CommandResult& result);

}  // namespace mailbox
