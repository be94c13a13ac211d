#include "postmap/query.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "lib/base/base64.h"
#include "lib/log/log.h"
#include "lib/maps/alias_source.h"
#include "lib/maps/index_builder.h"
#include "lib/maps/registry.h"
#include "postmap/message_keys.h"

namespace postmap {
namespace {

constexpr std::size_t shown_of_value = 30;  // of one that is not what it should be

using TableList = std::vector<std::shared_ptr<maps::Table>>;

Result<std::shared_ptr<maps::Table>> open_table(const Job& job, std::string_view name) {
  auto table = TRY(job.tables.open(split_table_name(job, name).full(), job.flags()));
  TRY(table->ready());
  return table;
}

Result<TableList> open_tables(const Job& job) {
  TableList tables;
  for (const std::string& name : job.options.tables) tables.push_back(TRY(open_table(job, name)));
  return tables;
}

Result<void> print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return base::fail_system("output write error");
  return {};
}

Result<void> flush_output() {
  if (std::fflush(stdout) != 0) return base::fail_system("output write error");
  return {};
}

// As complaints name a table: an index by its file.
std::string name_of_file(const maps::Table& table) {
  const std::string name(table.name());
  const auto kind = maps::index_kind(name.substr(0, name.find(':')));
  return kind ? name + std::string(maps::index_suffix(*kind)) : name;
}

// What is shown of a value: with -F the contents that it stands for; none, with a warning, when it is not what -F made.
std::optional<std::string> shown_value(const Job& job, const maps::Table& table, std::string_view key, std::string value) {
  if (!job.options.file_values) return value;
  auto decoded = base::decode_base64(value);
  if (!decoded) maillog::warning("table {}: key {}: malformed BASE64 value: {}", name_of_file(table), key, value.substr(0, shown_of_value));
  return decoded;
}

// The first table's value that has the key.
Result<maps::Found> find(const Job& job, const TableList& tables, std::string_view key) {
  for (const std::shared_ptr<maps::Table>& table : tables) {
    auto found = job.dialect.is_alias ? maps::find_alias(*table, key) : table->lookup(key);
    if (!found) return base::fail(fmt::format("table {}: query error: {}", table->name(), found.error().message()));
    if (!*found) continue;
    if ((*found)->empty()) {
      maillog::warning("table {}: key {}: empty string result is not allowed", table->name(), key);
      maillog::warning("table {} should return NO RESULT in case of NOT FOUND", table->name());
    }
    auto shown = shown_value(job, *table, key, std::move(**found));
    if (!shown) return base::fail(fmt::format("table {}: query error", name_of_file(*table)));
    return maps::Found(std::move(*shown));
  }
  return maps::Found{};
}

Result<void> print_entry(const Job& job, std::string_view key, std::string_view value) {
  return print(fmt::format("{}{}\t{}\n", key, job.dialect.is_alias ? ":" : "", value));
}

// "-q -": a key per line, or what -h and -b take from a message.
Result<int> query_input(const Job& job, const TableList& tables) {
  const std::string input = TRY(read_standard_input());
  bool any = false;
  Result<void> asked;
  const auto ask = [&](std::string_view key) -> Result<void> {
    const maps::Found value = TRY(find(job, tables, key));
    if (!value) return {};
    any = true;
    return print_entry(job, key, *value);
  };
  const mail::MimeScan::Limits limits{.nesting = static_cast<std::size_t>(job.params.mime_nesting_limit),
                                      .boundary_length = static_cast<std::size_t>(job.params.mime_boundary_length_limit)};
  TRY(for_each_key(job.options, limits, input, ask));
  TRY(flush_output());
  return any ? 0 : 1;
}

}  // namespace

Result<int> query(const Job& job) {
  if (job.options.key == "-") return query_input(job, TRY(open_tables(job)));
  // One after the other: what is behind the answer need not be there.
  for (const std::string& name : job.options.tables) {
    const std::shared_ptr<maps::Table> table = TRY(open_table(job, name));
    const maps::Found value = TRY(find(job, {table}, job.options.key));
    if (!value) continue;
    TRY(print(*value + "\n"));
    TRY(flush_output());
    return 0;
  }
  return 1;
}

Result<int> list(const Job& job) {
  if (job.options.tables.empty()) return 1;
  // The first table only, as with Postfix.
  const std::shared_ptr<maps::Table> table = TRY(open_table(job, job.options.tables.front()));
  Result<void> printed;
  auto listed = table->each([&](std::string_view key, std::string_view value) {
    if (!printed) return;
    if (key.empty()) maillog::warning("table {}: empty lookup key value is not allowed", table->name());
    if (const auto shown = shown_value(job, *table, key, std::string(value))) printed = print_entry(job, key, *shown);
  });
  if (!listed) {
    const bool is_failure = table->name().starts_with("fail:");
    return base::fail(fmt::format("table {}: {}{}", table->name(), is_failure ? "sequence error: " : "", listed.error().message()));
  }
  TRY(std::move(printed));
  TRY(flush_output());
  return 0;
}

}  // namespace postmap
