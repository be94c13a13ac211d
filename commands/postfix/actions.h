#pragma once
// The actions of postfix(1). Each returns the exit status.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "commands/postfix/postfix_params.h"

namespace postfix {

struct Context {
  Params params;
  std::string config_directory;
  std::vector<std::string> arguments;  // behind the action's name
  bool is_secondary = false;  // one of multi_instance_directories: what instances share is the primary one's to look after
};

// The process id of the master that holds the lock.
std::optional<pid_t> master_pid(const Context& context);
// What programs that we start find in their environment.
std::vector<std::string> environment(const Context& context);

int start(const Context& context);
int start_foreground(const Context& context);
int stop(const Context& context);    // children end at once, the queue keeps what they were doing
int quick_stop(const Context& context);  // as stop, with one second's patience
int drain(const Context& context);   // master ends; its processes end with their last client
int abort(const Context& context);   // as quick_stop, and says so
int reload(const Context& context);
int flush(const Context& context);
int status(const Context& context);
int check(const Context& context);

}  // namespace postfix
