#include "smtp/external_policy.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace smtp {

bool allows_mx(const ExternalPolicy& policy, std::string_view host) {
  const std::size_t dot = host.find('.');
  const std::string_view parent = dot == std::string_view::npos ? std::string_view{} : host.substr(dot + 1);
  return std::ranges::any_of(policy.mx_patterns, [&](std::string_view pattern) {
    if (!pattern.starts_with("*.")) return ascii::equal_ignoring_case(pattern, host);
    return !parent.empty() && ascii::equal_ignoring_case(pattern.substr(2), parent);
  });
}

}  // namespace smtp
