#include "smtp/require_tls.h"

#include <array>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/maps/list.h"

namespace smtp {
namespace {

struct Action {
  std::string_view name;
  RequireTls action;
};

constexpr std::array actions{Action{"enforce", RequireTls::enforce}, Action{"opportunistic+starttls", RequireTls::opportunistic_starttls},
                             Action{"opportunistic", RequireTls::opportunistic}, Action{"disable", RequireTls::not_asked}};

}  // namespace

Result<RequireTlsPolicy> RequireTlsPolicy::open(maps::Tables& tables, const std::string& parameter, const std::string& value) {
  RequireTlsPolicy policy;
  policy.parameter_ = parameter;
  for (const std::string_view item : maps::split_list(value)) {
    Item read{.text = std::string(item), .table = {}};
    if (item.contains(':')) read.table = TRY(maps::Maps::open(tables, parameter, item, maps::Flags::fold_keys));
    policy.items_.push_back(std::move(read));
  }
  return policy;
}

Result<RequireTls> RequireTlsPolicy::find(std::string_view host) const {
  const auto wrong = [&](const std::string& problem) {
    maillog::warning("{}: {} -- ignoring the remainder of this policy", parameter_, problem);
    return base::fail("REQUIRETLS policy configuration error");
  };
  for (const Item& item : items_) {
    std::string name = item.text;
    if (!item.table.empty()) {
      auto found = io::Address::parse(host) ? item.table.lookup(host) : item.table.lookup_with_parents(host);
      if (!found) return wrong(item.text + ": table lookup error");
      if (!*found) continue;
      name = std::move(**found);
    }
    for (const Action& each : actions) {
      if (ascii::equal_ignoring_case(each.name, name)) return each.action;
    }
    return wrong(fmt::format("unknown policy action: '{}'", name));
  }
  return RequireTls::enforce;
}

}  // namespace smtp
