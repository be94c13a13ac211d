#pragma once
// A child process with one owner.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace process {

// How a child ended.
struct Exit {
  int status;   // exit status, or the signal
  bool signalled;
};

// Both ends are closed by exec.
struct Pipe {
  Fd read_end, write_end;
};
[[nodiscard]] Result<Pipe> make_pipe();

struct Program {
  std::vector<std::string> argv;                  // argv[0] is the path, unless:
  std::string path;                               // what is executed
  std::vector<std::string> environment;           // NAME=VALUE, the whole of it
  std::vector<std::pair<int, int>> descriptors;   // {ours, number in the child}; all others are closed but 0, 1, 2
  std::string directory;                          // to start in; empty: ours
  bool own_session = false;                       // setsid(2)
  struct Identity {
    uid_t uid;
    gid_t gid;
  };
  std::optional<Identity> identity;               // becomes it for good, without supplementary groups
};

class Process {
 public:
  Process() = default;
  // fork and exec. An exec that fails is an Error here, not a child that ends.
  static Result<Process> start(const Program& program);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The child's end if it has ended; reaps it.
  [[nodiscard]] std::optional<Exit> poll();
  // Blocks until the child has ended.
  Exit wait();
  void signal(int number) const;

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

// Waits for any child that has ended; none when there is none.
struct Ended {
  pid_t pid;
  Exit exit;
};
[[nodiscard]] std::optional<Ended> reap_any();

}  // namespace process
