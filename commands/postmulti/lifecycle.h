#pragma once
// Instances made, taken in, named, enabled, disabled and given up (-e).

#include <vector>

#include "commands/postmulti/instances.h"
#include "commands/postmulti/options.h"
#include "commands/postmulti/postmulti_params.h"
#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace postmulti {

// `main` and `params` are the primary instance's. The error says why nothing was changed, or not all.
[[nodiscard]] Result<void> edit(const Options& options, const config::Main& main, const Params& params,
                                const std::vector<Instance>& instances);

}  // namespace postmulti
