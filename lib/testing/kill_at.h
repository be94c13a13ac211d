#pragma once
// Crash tests without hooks in the code under test: a child runs a function and is killed (as by kill -9) when it enters
// its n-th system call.

#include <csignal>
#include <functional>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace testing {

enum class CrashEnd { killed, finished, cannot_trace };

// Runs `body` in a child and kills it before its n-th system call (from 1) takes effect. `finished`: it made fewer.
inline CrashEnd kill_at_system_call(int n, const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(99);
    ::raise(SIGSTOP);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return CrashEnd::cannot_trace;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  bool entering = true;
  int entered = 0;
  int signal = 0;
  for (;;) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, signal);
    signal = 0;
    if (::waitpid(child, &status, 0) != child || WIFEXITED(status) || WIFSIGNALED(status)) return CrashEnd::finished;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      signal = WSTOPSIG(status);
      continue;
    }
    if (entering && ++entered == n) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return CrashEnd::killed;
    }
    entering = !entering;
  }
}

}  // namespace testing
