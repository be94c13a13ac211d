#include "cleanup/inflow.h"

#include <filesystem>
#include <system_error>

#include "lib/base/deadline.h"
#include "lib/event/loop.h"

namespace cleanup {

void Inflow::pass() {
  if (delay_ == std::chrono::seconds(0) || at_most_++ < allowance_) return;
  at_most_ = backlog();
  if (at_most_++ < allowance_) return;
  event::sleep_until(base::after(delay_));
}

// Counted up to the allowance. What is still being written is left out: its sender may be slow, and nobody is to blame.
std::size_t Inflow::backlog() const {
  namespace fs = std::filesystem;
  std::size_t count = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(directory_, failed); !failed && entry != fs::recursive_directory_iterator() && count < allowance_;
       entry.increment(failed)) {
    std::error_code gone;
    const fs::file_status status = entry->status(gone);
    const bool is_complete = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    if (!gone && status.type() == fs::file_type::regular && is_complete) ++count;
  }
  return count;
}

}  // namespace cleanup
