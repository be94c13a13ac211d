#include "lib/maps/registry.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::array types{
    //   name        open             fixed  update build
    Type{"btree",    &open_btree,     true,  true,  true},
    Type{"cidr",     &open_cidr,      false, false, false},
    Type{"environ",  &open_environ,   true,  false, false},
    Type{"fail",     &open_fail,      true,  false, false},
    Type{"hash",     &open_hash,      true,  true,  true},
    Type{"inline",   &open_inline,    true,  false, false},
    Type{"internal", &open_internal,  true,  true,  false},
    Type{"pcre",     &open_pcre,      false, false, false},
    Type{"pipemap",  &open_pipemap,   true,  false, false},
    Type{"proxy",    &open_proxy,     true,  true,  false},
    Type{"randmap",  &open_randmap,   false, false, false},
    Type{"regexp",   &open_regexp,    false, false, false},
    Type{"static",   &open_static,    false, false, false},
    Type{"texthash", &open_texthash,  true,  false, false},
    Type{"unionmap", &open_unionmap,  true,  false, false},
    Type{"unix",     &open_unix,      true,  false, false},
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

std::string type_names(std::string_view separator) {
  std::string names;
  for (const Type& type : types) {
    if (!names.empty()) names += separator;
    names += type.name;
  }
  return names;
}

base::Failure unsupported_type(std::string_view type) {
  maillog::warning("unsupported dictionary type: {0}. Is the postfix-{0} package installed?", type);
  return base::fail(fmt::format("unsupported dictionary type: {}", type));
}

}  // namespace maps
