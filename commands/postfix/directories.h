#pragma once
// The directories of the queue: made when missing, checked when there.

#include <sys/types.h>

#include "lib/base/error.h"
#include "commands/postfix/postfix_params.h"

namespace postfix {

// Who owns what. Without root (a private instance) one uid stands for all, and ownership is left alone.
struct Owners {
  uid_t mail_uid;
  gid_t mail_gid;
  gid_t setgid_gid;
  bool may_change;
};
[[nodiscard]] Result<Owners> find_owners(const Params& params);

// Makes what is missing. Error when a directory cannot be made.
[[nodiscard]] Result<void> create_missing(const Params& params, const Owners& owners);

// The error names the first directory of the queue that mail_owner cannot read and write: no mail could move.
[[nodiscard]] Result<void> find_unusable(const Params& params, const Owners& owners);

}  // namespace postfix
