#include "lib/process/acting_as.h"

#include <utility>

#include <grp.h>
#include <unistd.h>

#include "lib/base/check.h"

namespace process {

Result<ActingAs> ActingAs::owner(uid_t uid, gid_t gid) {
  if (::geteuid() != 0 || uid == 0) return ActingAs(false);
  if (::setgroups(1, &gid) != 0) return base::fail_system("setgroups");
  if (::setegid(gid) != 0) return base::fail_system("setegid");
  if (::seteuid(uid) != 0) return base::fail_system("seteuid");
  return ActingAs(true);
}

ActingAs::ActingAs(ActingAs&& other) noexcept : active_(std::exchange(other.active_, false)) {}

ActingAs::~ActingAs() {
  if (!active_) return;
  const gid_t root_group = 0;
  CHECK(::seteuid(0) == 0);
  CHECK(::setegid(0) == 0);
  CHECK(::setgroups(1, &root_group) == 0);
}

}  // namespace process
