#pragma once
// The table types there are. One file per type has its opener; registry.cc has the table of them.

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/table.h"

namespace maps {

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
OpenResult open_lmdb(const OpenRequest& request);  // where this build has it
OpenResult open_cdb(const OpenRequest& request);   // the same
OpenResult open_tcp(const OpenRequest& request);
OpenResult open_socketmap(const OpenRequest& request);

struct Type {
  std::string_view name;
  OpenResult (*open)(const OpenRequest&);
  bool fixed_keys;    // see Table::has_fixed_keys
  bool read_only;     // never opened for update: not even its syntax is looked at then
};

// Null for a type that nobody knows.
[[nodiscard]] const Type* find_type(std::string_view name);

// All names in alphabetical order (postconf -m).
[[nodiscard]] std::string type_names(std::string_view separator);

// The error of a name whose type nobody knows, in the reference's words.
[[nodiscard]] base::Failure unsupported_type(std::string_view type);

}  // namespace maps
