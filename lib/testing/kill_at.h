#pragma once
// Crash tests without hooks in the code under test: a child runs a function and is killed (as by kill -9) when it enters
// its n-th system call.

#include <csignal>
#include <functional>

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace testing {

enum class CrashEnd { killed, finished, cannot_trace };

// Which system calls count: every one, or those that can change a file or directory.
enum class KillAt { every_call, file_changes };

inline bool changes_files(const __ptrace_syscall_info& call) {
  switch (call.entry.nr) {
    case SYS_openat: return (call.entry.args[2] & O_CREAT) != 0;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_ftruncate:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sync_file_range:
    case SYS_linkat:
    case SYS_unlinkat:
#ifdef SYS_rename
    case SYS_rename:
    case SYS_unlink:
#endif
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_mkdirat: return true;
    default: return false;
  }
}

// Runs `body` in a child and kills it before its n-th system call (from 1) takes effect. `finished`: it made fewer.
inline CrashEnd kill_at_system_call(int n, const std::function<void()>& body, KillAt which = KillAt::every_call) {
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
    bool counts = entering;
    if (entering && which == KillAt::file_changes) {
      __ptrace_syscall_info call{};
      const auto size = ::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child, sizeof call, &call);
      counts = size > 0 && call.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(call);
    }
    if (counts && ++entered == n) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return CrashEnd::killed;
    }
    entering = !entering;
  }
}

}  // namespace testing
