#pragma once
// Making indexes: from source files, or adding entries from standard input (-i).

#include "postmap/job.h"

namespace postmap {

// The exit status.
[[nodiscard]] Result<int> build(const Job& job);

// Removes entries (-d). The exit status: 0 when one was there.
[[nodiscard]] Result<int> erase(const Job& job);

}  // namespace postmap
