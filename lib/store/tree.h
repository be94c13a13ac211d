#pragma once
// Which mailboxes are there, as the directories say.

#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/store/location.h"

namespace store {

inline constexpr std::size_t mailboxes_max = 100'000;

struct Found {
  std::string name;
  bool selectable = true;
  bool has_children = false;
};

// In order of name, INBOX first, with the parents that are no mailbox. What begins with ".." is on its way out.
[[nodiscard]] Result<std::vector<Found>> find_mailboxes(const Location& location);
// One of them. `selectable` and `has_children` both false: there is nothing.
[[nodiscard]] Result<Found> find_mailbox(std::string_view name, const Location& location);

}  // namespace store
