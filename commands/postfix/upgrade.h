#pragma once
// postfix upgrade-configuration: master.cf of an older release gets the services that this one needs.

#include <string>
#include <string_view>
#include <vector>

#include "commands/postfix/actions.h"

namespace postfix {

// The exit status. What was done is told on standard output.
int upgrade_master(const Context& context);

// The new text of master.cf, and what was done, a line each. Entries that are there keep their place and form.
struct Upgrade {
  std::string text;
  std::vector<std::string> done;
};
[[nodiscard]] Upgrade upgrade_master_cf(std::string_view text);

}  // namespace postfix
