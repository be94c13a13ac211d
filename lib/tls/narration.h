#pragma once
// What is told of one session while it goes on: its steps and its bytes in the log, and its messages in a file of its own (a trace).

#include <cstddef>
#include <string>

#include "lib/base/fd.h"
#include "lib/tls/log_level.h"

namespace tls {

struct Narration {
  Detail detail = Detail::none;
  std::string peer = {};         // as the log names him
  Fd trace = {};                 // none: there is no trace
  std::size_t trace_limit = 0;   // bytes that may be written there
  [[nodiscard]] bool is_silent() const { return detail < Detail::steps && !trace; }
};

}  // namespace tls
