#pragma once
// An answer of smtp_tls_policy_maps: "LEVEL name=value { name = value } ...".

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "smtp/smtp_params.h"
#include "smtp/tls_policy.h"

namespace smtp {

[[nodiscard]] std::optional<TlsLevel> level_of(std::string_view name);
// As the log and master.cf have it.
[[nodiscard]] std::string_view name_of(TlsLevel level);

// The policy of this level where no table says more.
[[nodiscard]] TlsPolicy of_level(TlsLevel level, const Params& params);

// `warn` is told what is left out of the policy.
[[nodiscard]] Result<TlsPolicy> read_policy(std::string_view text, const Params& params, const std::function<void(const std::string&)>& warn);

}  // namespace smtp
