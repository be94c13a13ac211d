#pragma once
// What main.cf says of TLS, for "postfix tls".

#include <string>
#include <string_view>
#include <vector>

#include "commands/postfix/actions.h"
#include "lib/config/main_cf.h"

namespace postfix {

enum class TlsRole { client, server };

// Whether no setting of TLS differs from its default.
[[nodiscard]] Result<bool> is_default(const config::Main& main, TlsRole role);

// Writes "name=value" settings into main.cf, by postconf(1).
[[nodiscard]] Result<void> change_settings(const Context& context, const std::vector<std::string>& settings);

}  // namespace postfix
