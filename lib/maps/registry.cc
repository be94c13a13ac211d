#include "lib/maps/registry.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::array types{
    //   name         open              fixed  read only  anybody's
    Type{"btree",     &open_btree,      true,  false,     false},
    Type{"cidr",      &open_cidr,       false, true,      false},
    Type{"environ",   &open_environ,    true,  false,     false},
    Type{"fail",      &open_fail,       true,  false,     false},
    Type{"hash",      &open_hash,       true,  false,     false},
    Type{"inline",    &open_inline,     true,  false,     false},
    Type{"internal",  &open_internal,   true,  false,     false},
    Type{"memcache",  &open_memcache,   true,  false,     true},
    Type{"pcre",      &open_pcre,       false, true,      false},
    Type{"pipemap",   &open_pipemap,    true,  true,      false},
    Type{"proxy",     &open_proxy,      true,  false,     false},
    Type{"randmap",   &open_randmap,    false, true,      false},
    Type{"regexp",    &open_regexp,     false, true,      false},
    Type{"socketmap", &open_socketmap,  false, true,      true},
    Type{"static",    &open_static,     false, false,     false},
    Type{"tcp",       &open_tcp,        false, true,      true},
    Type{"texthash",  &open_texthash,   true,  true,      false},
    Type{"unionmap",  &open_unionmap,   true,  true,      false},
    Type{"unix",      &open_unix,       true,  false,     false},
};
static_assert(std::ranges::is_sorted(types, {}, &Type::name));

}  // namespace

std::string OpenRequest::full_name() const { return fmt::format("{}:{}", type, name); }

std::string OpenRequest::path() const {
  const std::string& directory = tables.options().config_directory;
  if (name.starts_with('/') || directory.empty()) return std::string(name);
  return fmt::format("{}/{}", directory, name);
}

const Type* find_type(std::string_view name) {
  const auto found = std::ranges::lower_bound(types, name, {}, &Type::name);
  return found != types.end() && found->name == name ? &*found : nullptr;
}

std::string type_names(std::string_view separator, const ModulePlaces& places) {
  std::set<std::string> sorted;
  for (const Type& type : types) sorted.emplace(type.name);
  for (std::string& name : Modules(places).names()) sorted.insert(std::move(name));
  std::string names;
  for (const std::string& name : sorted) {
    if (!names.empty()) names += separator;
    names += name;
  }
  return names;
}

base::Failure unsupported_type(std::string_view type) {
  maillog::warning("unsupported dictionary type: {0}. Is the postfix-{0} package installed?", type);
  return base::fail(fmt::format("unsupported dictionary type: {}", type));
}

}  // namespace maps
