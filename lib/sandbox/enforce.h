#pragma once
// Takes away what a program has not declared to need. Called once, after chroot and the change of identity, when tables,
// log and pool threads are open. What the kernel lacks is left out (best effort); programs that run commands of the site
// or its users are left alone.

#include <span>
#include <string>
#include <vector>

#include <linux/filter.h>

#include "lib/base/error.h"
#include "lib/sandbox/profile.h"

namespace sandbox {

// The same in two steps, for a process that forks those who are to be confined: working out the rules takes more memory than some of
// them have otherwise.
class Confinement {
 public:
  [[nodiscard]] static Result<Confinement> prepare(const Profile& profile);
  [[nodiscard]] Result<void> enforce(std::span<const std::string> writable = {}) const;

 private:
  Confinement(const Profile& profile, std::vector<sock_filter> filter) : profile_(profile), filter_(std::move(filter)) {}
  Profile profile_;
  std::vector<sock_filter> filter_;
};

// `writable` are directories that the configuration names, below which files are written and made besides.
[[nodiscard]] Result<void> enforce(const Profile& profile, std::span<const std::string> writable = {});

}  // namespace sandbox
