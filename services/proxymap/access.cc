#include "services/proxymap/access.h"

#include "lib/maps/list.h"

namespace proxymap {
namespace {

constexpr std::string_view prefix = "proxy:";
constexpr int depth_limit = 10;  // of braces within braces

// The tables that pipemap and unionmap consist of.
std::string_view inner_list(std::string_view item) {
  for (const std::string_view type : {"pipemap:", "unionmap:"}) {
    if (item.starts_with(type)) return item.substr(type.size());
  }
  return item;
}

}  // namespace

ApprovedTables ApprovedTables::parse(std::string_view value) {
  ApprovedTables tables;
  tables.add_all(value, 0);
  return tables;
}

void ApprovedTables::add_all(std::string_view value, int depth) {
  for (std::string_view item : maps::split_list(value)) {
    while (item.starts_with('!')) item.remove_prefix(1);
    // "proxy:proxy:type:name" is the same table.
    const bool is_proxied = item.starts_with(prefix);
    while (item.starts_with(prefix)) item.remove_prefix(prefix.size());
    if (is_proxied) {
      names_.emplace(item);
      continue;
    }
    item = inner_list(item);
    if (!item.starts_with('{') || depth >= depth_limit) continue;
    if (const auto inner = maps::without_braces(item)) add_all(*inner, depth + 1);
  }
}

}  // namespace proxymap
