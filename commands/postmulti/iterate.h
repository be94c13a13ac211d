#pragma once
// The same for each instance that is meant: a line (-l), a postfix(1) command (-p), any command (-x).

#include <vector>

#include "commands/postmulti/instances.h"
#include "commands/postmulti/options.h"
#include "commands/postmulti/postmulti_params.h"
#include "lib/base/error.h"

namespace postmulti {

// The exit status.
[[nodiscard]] Result<int> list(const Options& options, const std::vector<Instance>& instances);
[[nodiscard]] Result<int> run_postfix(const Options& options, const Params& params, const std::vector<Instance>& instances);
[[nodiscard]] Result<int> run_command(const Options& options, const Params& params, const std::vector<Instance>& instances);

}  // namespace postmulti
