#include "lib/maps/table.h"

#include <map>

#include <fmt/core.h>

#include "lib/maps/checked.h"
#include "lib/maps/list.h"
#include "lib/maps/registry.h"

namespace maps {

struct Tables::State {
  Options options;
  // By name, flags and purpose; an entry whose table nobody uses any more is replaced at the next open.
  std::map<std::string, std::weak_ptr<Table>, std::less<>> open_tables;

  Result<std::shared_ptr<Table>> open(Tables& tables, std::string_view type_and_name, Flags flags, bool for_update);
};

Result<std::shared_ptr<Table>> Tables::State::open(Tables& tables, std::string_view type_and_name, Flags flags, bool for_update) {
  std::string_view type = options.default_database_type;
  std::string_view name = type_and_name;
  const std::size_t colon = type_and_name.find(':');
  if (colon != std::string_view::npos) {
    type = type_and_name.substr(0, colon);
    name = type_and_name.substr(colon + 1);
  }
  if (type.empty() || name.empty()) {
    return base::fail(fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", type_and_name));
  }
  // "proxy:" asks somebody who opens the table for us; who may not ask opens it directly.
  if (type == "proxy" && has(flags, Flags::no_proxy)) return open(tables, name, flags, for_update);

  const std::string key = fmt::format("{}:{} {} {}", type, name, static_cast<unsigned>(flags), for_update);
  if (const auto found = open_tables.find(key); found != open_tables.end()) {
    if (std::shared_ptr<Table> table = found->second.lock()) return table;
  }
  const Type* const known = find_type(type);
  if (known == nullptr) return unsupported_type(type);
  if (for_update && known->read_only) {
    return base::fail(fmt::format("{}:{} map requires O_RDONLY access mode", type, name));
  }
  std::shared_ptr<Table> table = make_checked(TRY(known->open(OpenRequest{type, name, flags, tables, for_update})), flags);
  open_tables[key] = table;
  return table;
}

Tables::Tables(Options options) : state_(std::make_unique<State>()) { state_->options = std::move(options); }
Tables::~Tables() = default;

const Tables::Options& Tables::options() const { return state_->options; }

void Tables::reads_file(const std::string& path, Rereads rereads) const {
  if (state_->options.on_file) state_->options.on_file(path, rereads);
}

Result<std::shared_ptr<Table>> Tables::open(std::string_view type_and_name, Flags flags) {
  return state_->open(*this, type_and_name, flags, false);
}

Result<std::shared_ptr<Table>> Tables::open_for_update(std::string_view type_and_name, Flags flags) {
  return state_->open(*this, type_and_name, flags, true);
}

Result<Maps> Maps::open(Tables& tables, std::string_view parameter, std::string_view value, Flags flags) {
  Maps maps;
  for (const std::string_view item : split_list(value)) {
    auto table = tables.open(item, flags);
    if (!table) return base::Failure(std::move(table).error().within(parameter));
    maps.tables_.push_back(std::move(*table));
  }
  return maps;
}

namespace {

Result<Found> first_of(const std::vector<std::shared_ptr<Table>>& tables, std::string_view key, bool fixed_only) {
  for (const std::shared_ptr<Table>& table : tables) {
    if (fixed_only && !table->has_fixed_keys()) continue;
    Result<Found> found = table->lookup(key);
    if (!found) {
      return base::Failure(std::move(found).error().within(fmt::format("{} lookup error for \"{}\"", table->name(), key)));
    }
    if (*found) return found;
  }
  return Found{};
}

}  // namespace

Result<Found> Maps::lookup(std::string_view key) const { return first_of(tables_, key, false); }
Result<Found> Maps::lookup_partial(std::string_view key) const { return first_of(tables_, key, true); }

}  // namespace maps
