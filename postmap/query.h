#pragma once
// Asking tables: one key, keys from standard input, or every entry.

#include "postmap/job.h"

namespace postmap {

// -q. The exit status: 0 when a key was found.
[[nodiscard]] Result<int> query(const Job& job);
// -s.
[[nodiscard]] Result<int> list(const Job& job);

}  // namespace postmap
