#pragma once
// The query template of a table in a SQL database.

#include <string>

#include <fmt/core.h>

#include "lib/maps/module.h"

namespace maps::module {

// query, or what is made of the older settings that it replaced.
[[nodiscard]] inline Result<std::string> sql_query(const Settings& settings) {
  if (std::string query = TRY(settings.string("query", "")); !query.empty()) return query;
  const std::string table = TRY(settings.needed("table", ""));
  const std::string select_field = TRY(settings.needed("select_field", ""));
  const std::string where_field = TRY(settings.needed("where_field", ""));
  return fmt::format("SELECT {} FROM {} WHERE {} = '%s' {}", select_field, table, where_field,
                     TRY(settings.string("additional_conditions", "")));
}

}  // namespace maps::module
