#pragma once
// The actions of postfix(1). Each returns the exit status.

#include <string>

#include "commands/postfix/postfix_params.h"

namespace postfix {

struct Context {
  Params params;
  std::string config_directory;
};

int start(const Context& context);
int start_foreground(const Context& context);
int stop(const Context& context);    // children end at once, the queue keeps what they were doing
int abort(const Context& context);   // as stop, without patience
int reload(const Context& context);
int flush(const Context& context);
int status(const Context& context);
int check(const Context& context);

}  // namespace postfix
