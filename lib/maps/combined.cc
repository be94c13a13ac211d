// Tables made of others: pipemap:{a,b,...} looks the result of one up in the next; unionmap:{a,b,...} joins all results
// with commas; randmap:{x,y,...} picks one of its values.

#include <algorithm>
#include <random>

#include <fmt/core.h>

#include "lib/maps/list.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

using TableList = std::vector<std::shared_ptr<Table>>;

class CombinedTable : public Table {
 public:
  CombinedTable(std::string name, TableList tables) : Table(std::move(name)), tables_(std::move(tables)) {}
  [[nodiscard]] bool has_fixed_keys() const final {
    return std::ranges::all_of(tables_, [](const std::shared_ptr<Table>& table) { return table->has_fixed_keys(); });
  }
  Result<void> ready() final {
    for (const std::shared_ptr<Table>& table : tables_) TRY(table->ready());
    return {};
  }

 protected:
  [[nodiscard]] const TableList& tables() const { return tables_; }

 private:
  TableList tables_;
};

class PipeTable final : public CombinedTable {
 public:
  using CombinedTable::CombinedTable;
  Result<Found> lookup(std::string_view key) override {
    Found value(key);
    for (const std::shared_ptr<Table>& table : tables()) {
      value = TRY(table->lookup(*value));
      if (!value) break;
    }
    return value;
  }
};

class UnionTable final : public CombinedTable {
 public:
  using CombinedTable::CombinedTable;
  Result<Found> lookup(std::string_view key) override {
    Found joined;
    for (const std::shared_ptr<Table>& table : tables()) {
      const Found value = TRY(table->lookup(key));
      if (!value) continue;
      if (joined) {
        *joined += ',';
        *joined += *value;
      } else {
        joined = value;
      }
    }
    return joined;
  }
};

class RandomTable final : public Table {
 public:
  RandomTable(std::string name, std::vector<std::string> values) : Table(std::move(name)), values_(std::move(values)) {}
  Result<Found> lookup(std::string_view) override {
    return Found(values_[std::uniform_int_distribution<std::size_t>(0, values_.size() - 1)(random_)]);
  }
  [[nodiscard]] bool has_fixed_keys() const override { return false; }

 private:
  std::vector<std::string> values_;
  std::minstd_rand random_{std::random_device{}()};
};

// The items of "{...}"; the error shows what was expected.
Result<std::vector<std::string_view>> items_of(const OpenRequest& request, std::string_view item_form) {
  const auto bad = [&] {
    return base::fail(fmt::format("bad syntax: \"{}\"; need \"{}:{{{}...}}\"", request.full_name(), request.type, item_form));
  };
  if (!request.name.starts_with('{') || !request.name.ends_with('}')) return bad();
  const auto inner = without_braces(request.name);
  if (!inner) return bad();
  std::vector<std::string_view> items = split_list(*inner);
  if (items.empty()) return bad();
  return items;
}

Result<TableList> open_parts(const OpenRequest& request) {
  const auto items = TRY(items_of(request, "type:name"));
  TableList tables;
  for (const std::string_view item : items) {
    if (!item.contains(':')) return base::fail(fmt::format("bad syntax: \"{}\"; need \"{}:{{type:name...}}\"", request.full_name(), request.type));
    tables.push_back(TRY(request.tables.open(item, request.flags)));
  }
  return tables;
}

}  // namespace

OpenResult open_pipemap(const OpenRequest& request) {
  return std::make_shared<PipeTable>(request.full_name(), TRY(open_parts(request)));
}

OpenResult open_unionmap(const OpenRequest& request) {
  return std::make_shared<UnionTable>(request.full_name(), TRY(open_parts(request)));
}

OpenResult open_randmap(const OpenRequest& request) {
  const auto items = TRY(items_of(request, "value"));
  return std::make_shared<RandomTable>(request.full_name(), std::vector<std::string>(items.begin(), items.end()));
}

}  // namespace maps
