#pragma once
// The table types there are. One file per type has its opener; registry.cc has the table of them.

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/table.h"

namespace maps {

namespace module {
struct IndexFormat;
}

// What an opener gets: "hash:/etc/aliases" is type "hash", name "/etc/aliases". The views live for the call only.
struct OpenRequest {
  std::string_view type, name;
  Flags flags;
  Tables& tables;         // for tables that consist of others
  bool for_update = false;

  [[nodiscard]] std::string full_name() const;
  // The name as a path: a relative one is below config_directory.
  [[nodiscard]] std::string path() const;
};

using OpenResult = Result<std::shared_ptr<Table>>;

OpenResult open_hash(const OpenRequest& request);
OpenResult open_btree(const OpenRequest& request);
OpenResult open_texthash(const OpenRequest& request);
OpenResult open_inline(const OpenRequest& request);
OpenResult open_static(const OpenRequest& request);
OpenResult open_cidr(const OpenRequest& request);
OpenResult open_regexp(const OpenRequest& request);
OpenResult open_pcre(const OpenRequest& request);
OpenResult open_environ(const OpenRequest& request);
OpenResult open_fail(const OpenRequest& request);
OpenResult open_internal(const OpenRequest& request);
OpenResult open_unix(const OpenRequest& request);
OpenResult open_proxy(const OpenRequest& request);
OpenResult open_pipemap(const OpenRequest& request);
OpenResult open_unionmap(const OpenRequest& request);
OpenResult open_randmap(const OpenRequest& request);
OpenResult open_memcache(const OpenRequest& request);
OpenResult open_tcp(const OpenRequest& request);
OpenResult open_socketmap(const OpenRequest& request);

struct Type {
  std::string_view name;
  OpenResult (*open)(const OpenRequest&);
  bool fixed_keys;    // see Table::has_fixed_keys
  bool read_only;     // never opened for update: not even its syntax is looked at then
  bool is_anybodys;   // who answers is not known for certain: any program may have taken the port
};

// Null for a type that is not built in.
[[nodiscard]] const Type* find_type(std::string_view name);

// All names, those of modules included, in alphabetical order (postconf -m).
[[nodiscard]] std::string type_names(std::string_view separator, const ModulePlaces& modules);

// A table of an index format that a module has.
[[nodiscard]] OpenResult open_module_index(const OpenRequest& request, const module::IndexFormat& format);

// The error of a name whose type nobody knows, in the reference's words.
[[nodiscard]] base::Failure unsupported_type(std::string_view type);

}  // namespace maps
