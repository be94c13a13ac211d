#pragma once
// What each action of the command works with.

#include "lib/maps/table.h"
#include "postmap/options.h"
#include "postmap/postmap_params.h"

namespace postmap {

struct Job {
  const Dialect& dialect;
  const Options& options;
  const Params& params;
  maps::Tables& tables;
  bool utf8;

  [[nodiscard]] maps::Flags flags() const;
};

// "type:name" in its parts; without type the default one.
struct TableName {
  std::string type, name;
  [[nodiscard]] std::string full() const { return type + ":" + name; }
};
[[nodiscard]] TableName split_table_name(const Job& job, std::string_view text);

// All of standard input.
[[nodiscard]] Result<std::string> read_standard_input();

}  // namespace postmap
