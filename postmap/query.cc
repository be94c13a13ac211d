#include "postmap/query.h"

#include <cstdio>
#include <memory>

#include <fmt/core.h>

#include "lib/log/log.h"
#include "lib/maps/alias_source.h"
#include "postmap/base64.h"
#include "postmap/message_keys.h"

namespace postmap {
namespace {

using TableList = std::vector<std::shared_ptr<maps::Table>>;

Result<TableList> open_tables(const Job& job) {
  TableList tables;
  for (const std::string& name : job.options.tables) {
    tables.push_back(TRY(job.tables.open(split_table_name(job, name).full(), job.flags())));
    TRY(tables.back()->ready());
  }
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

// What is shown of a value: with -F the contents that it stands for.
Result<std::string> shown_value(const Job& job, const maps::Table& table, std::string_view key, std::string value) {
  if (!job.options.file_values) return value;
  auto decoded = decode_base64(value);
  if (!decoded) return base::fail(fmt::format("table {}, key {}: {}", table.name(), key, decoded.error().message()));
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
    return TRY(shown_value(job, *table, key, std::move(**found)));
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
  TRY(for_each_key(job.options, input, ask));
  TRY(flush_output());
  return any ? 0 : 1;
}

}  // namespace

Result<int> query(const Job& job) {
  const TableList tables = TRY(open_tables(job));
  if (job.options.key == "-") return query_input(job, tables);
  const maps::Found value = TRY(find(job, tables, job.options.key));
  if (!value) return 1;
  TRY(print(*value + "\n"));
  TRY(flush_output());
  return 0;
}

Result<int> list(const Job& job) {
  if (job.options.tables.empty()) return 1;
  for (const std::shared_ptr<maps::Table>& table : TRY(open_tables(job))) {
    Result<void> printed;
    auto listed = table->each([&](std::string_view key, std::string_view value) {
      if (!printed) return;
      if (key.empty()) maillog::warning("table {}: empty lookup key value is not allowed", table->name());
      const auto shown = shown_value(job, *table, key, std::string(value));
      printed = shown ? print_entry(job, key, *shown) : Result<void>(base::Failure(shown.error()));
    });
    if (!listed) return base::fail(fmt::format("table {}: {}", table->name(), listed.error().message()));
    TRY(std::move(printed));
  }
  TRY(flush_output());
  return 0;
}

}  // namespace postmap
