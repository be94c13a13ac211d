#pragma once
// Takes away what a program has not declared to need. Called once, after chroot and the change of identity, when tables,
// log and pool threads are open. What the kernel lacks is left out (best effort); programs that run commands of the site
// or its users are left alone.

#include <span>
#include <string>

#include "lib/base/error.h"
#include "lib/sandbox/profile.h"

namespace sandbox {

// `writable` are directories that the configuration names, below which files are written and made besides.
[[nodiscard]] Result<void> enforce(const Profile& profile, std::span<const std::string> writable = {});

}  // namespace sandbox
