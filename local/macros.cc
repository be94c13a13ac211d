#include "local/macros.h"

#include <array>
#include <optional>
#include <utility>

#include "lib/config/expand.h"

namespace local {

std::string filtered(std::string_view text, std::string_view allowed) {
  std::string out(text);
  for (char& c : out) {
    if (!allowed.contains(c)) c = '_';
  }
  return out;
}

Result<std::string> expand(std::string_view text, const Macros& macros, std::string_view allowed) {
  const std::array<std::pair<std::string_view, const std::string*>, 8> names = {{{"user", &macros.user},
                                                                                {"home", &macros.home},
                                                                                {"shell", &macros.shell},
                                                                                {"recipient", &macros.recipient},
                                                                                {"extension", &macros.extension},
                                                                                {"domain", &macros.domain},
                                                                                {"local", &macros.local},
                                                                                {"recipient_delimiter", &macros.delimiter}}};
  const auto lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    for (const auto& [known, value] : names) {
      if (known == name) return allowed.empty() ? *value : filtered(*value, allowed);
    }
    return std::nullopt;
  };
  return config::expand(text, lookup, config::Values::verbatim);
}

}  // namespace local
