// internal:ANY, an empty table in memory for a process's own use, and inline:{NAME=VALUE, {NAME = VALUE WITH SPACE}}:
// entries in main.cf itself.

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/maps/checked.h"
#include "lib/maps/list.h"
#include "lib/maps/memory.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

struct Setting {
  std::string_view name, value;
};

// "name=value", or "{ name = value }".
Result<Setting> parse_setting(std::string_view item) {
  if (item.starts_with('{')) item = TRY(without_braces(item));
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos) return base::fail("missing '=' after attribute name");
  return Setting{ascii::trim(item.substr(0, equals)), ascii::trim(item.substr(equals + 1))};
}

Result<Entries> parse_inline(std::string_view text, Flags flags) {
  if (text.size() <= 2 || !text.starts_with('{')) return base::fail("bad syntax");
  const auto inner = without_braces(text);
  if (!inner || !text.ends_with('}')) return base::fail("bad syntax");
  Entries entries;
  for (const std::string_view item : split_list(*inner)) {
    const Setting setting = TRY(parse_setting(item));
    std::string key = has(flags, Flags::fold_keys) ? fold_key(setting.name, has(flags, Flags::utf8)) : std::string(setting.name);
    entries.insert_or_assign(std::move(key), std::string(setting.value));
  }
  if (entries.empty()) return base::fail("empty table");
  return entries;
}

}  // namespace

OpenResult open_inline(const OpenRequest& request) {
  Result<Entries> entries = parse_inline(request.name, request.flags);
  if (!entries) {
    return base::fail(fmt::format("{}: \"{}\"; need \"inline:{{name=value...}}\"", entries.error().message(), request.full_name()));
  }
  return std::make_shared<MemoryTable>(request.full_name(), std::move(*entries), false);
}

OpenResult open_internal(const OpenRequest& request) {
  return std::make_shared<MemoryTable>(request.full_name(), Entries{}, true);
}

}  // namespace maps
