#pragma once
// Files for the traces of TLS sessions, below tlstrace in the queue directory: so many within a second, of all processes together.

#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace tlsmgr {

inline constexpr std::string_view trace_directory = "tlstrace";   // below the queue directory, which is the process's own

class TraceFiles {
 public:
  TraceFiles(int rate_limit, const base::Clock& clock) : rate_limit_(rate_limit), clock_(clock) {}

  // A new file, which only its owner reads: PROGRAM-YYYYMMDDhhmmss-MICROSECONDS-ADDRESS-XXXXXX. No descriptor: there were enough
  // within this second. The error: names that are none, or no file.
  [[nodiscard]] Result<Fd> begin(std::string_view program, std::string_view address);

 private:
  int rate_limit_;
  const base::Clock& clock_;
  Stamp second_{};   // of the last one
  int begun_ = 0;    // in it
};

}  // namespace tlsmgr
