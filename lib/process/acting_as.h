#pragma once
// Root works on behalf of a file's owner: in a directory that somebody else may write to, planted names then lead to
// nothing that the owner could not have done himself.

#include <sys/types.h>

#include "lib/base/error.h"

namespace process {

// Within its scope the process has the owner's effective ids and no other groups. For a process that is not root, or an
// owner who is, it changes nothing.
class ActingAs {
 public:
  static Result<ActingAs> owner(uid_t uid, gid_t gid);
  ActingAs(ActingAs&& other) noexcept;
  ActingAs& operator=(ActingAs&&) = delete;
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ~ActingAs();

 private:
  explicit ActingAs(bool active) : active_(active) {}
  bool active_;
};

}  // namespace process
