#pragma once
// What is to be picked up, fairly: users take turns, and one who has dropped a million messages does not make the others
// wait for all of them.

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/error.h"

namespace pickup {

inline constexpr std::size_t files_per_user = 2000;  // of one pass; the rest waits for the next

struct Found {
  std::vector<std::string> names;  // in the order in which to take them
  bool is_complete = true;         // nothing was left for another pass
};

// The users' files in turn: a1 b1 c1 a2 b2 a3.
[[nodiscard]] std::vector<std::string> in_turn(const std::map<uid_t, std::vector<std::string>>& by_user);

// Complete messages in maildrop/. Blocking; reads the whole directory, keeps no more than files_per_user names a user.
[[nodiscard]] Result<Found> scan_maildrop();

}  // namespace pickup
