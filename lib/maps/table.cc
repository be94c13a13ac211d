#include "lib/maps/table.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/maps/checked.h"
#include "lib/maps/client_table.h"
#include "lib/maps/list.h"
#include "lib/maps/module.h"
#include "lib/maps/open_errors.h"
#include "lib/maps/registry.h"
#include "lib/maps/unavailable.h"

namespace maps {
namespace {

bool refuses_missing = false;  // the process's: a setting of daemons, whichever tables they open

}  // namespace

void refuse_missing_tables() { refuses_missing = true; }

struct Tables::State {
  explicit State(Options given) : options(std::move(given)), modules(options.modules) {}

  Options options;
  Modules modules;
  event::Semaphore client_slots{client_threads_limit};
  // By name, flags and purpose; an entry whose table nobody uses any more is replaced at the next open.
  std::map<std::string, std::weak_ptr<Table>, std::less<>> open_tables;

  Result<std::shared_ptr<Table>> open(Tables& tables, std::string_view type_and_name, Flags flags, bool for_update);
  Result<std::shared_ptr<Table>> open_new(const OpenRequest& request);
};

// Of no open table of the same name.
Result<std::shared_ptr<Table>> Tables::State::open_new(const OpenRequest& request) {
  const auto read_only = [&] { return base::fail(fmt::format("{} map requires O_RDONLY access mode", request.full_name())); };
  if (const Type* const known = find_type(request.type); known != nullptr) {
    if (known->is_anybodys && has(request.flags, Flags::no_anybody)) {
      const std::string why = fmt::format("{} map is not allowed for security-sensitive data", request.full_name());
      return std::make_shared<UnavailableTable>(request.full_name(), base::Error(why));
    }
    if (request.for_update && known->read_only) return read_only();
    return known->open(request);
  }
  const module::Module* const module = TRY(modules.find(request.type));
  if (module == nullptr) return unsupported_type(request.type);
  if (module->index != nullptr) return open_module_index(request, *module->index);
  if (request.for_update) return read_only();
  return open_client_table(request, *module, client_slots);
}

// Whether it can be told at once that a table of this type is there: proxymap, and through it those that others make up, can be asked
// only later. Their parts are opened one by one.
bool is_opened_here(std::string_view type) {
  constexpr std::array<std::string_view, 4> later{"proxy", "pipemap", "randmap", "unionmap"};
  return std::ranges::find(later, type) == later.end();
}

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
  std::shared_ptr<Table> opened = TRY(open_new(OpenRequest{type, name, flags, tables, for_update}));
  if (refuses_missing && is_opened_here(type)) TRY(opened->ready());
  std::shared_ptr<Table> table = make_checked(std::move(opened), flags);
  open_tables[key] = table;
  return table;
}

Result<void> Table::erase_all(std::span<const std::string> keys) {
  for (const std::string& key : keys) static_cast<void>(TRY(erase(key)));
  return {};
}

Result<Tables::Options> Tables::Options::of(const config::Main& main) {
  Options options;
  options.default_database_type = TRY(main.string("default_database_type"));
  options.socketmap_max_query_size = static_cast<std::size_t>(TRY(main.integer("socketmap_max_query_size")));
  options.socketmap_max_reply_size = static_cast<std::size_t>(TRY(main.integer("socketmap_max_reply_size")));
  options.proxymap_socket = "private/" + TRY(main.string("proxymap_service_name"));
  options.proxywrite_socket = "private/" + TRY(main.string("proxywrite_service_name"));
  options.modules = {.shlib_directory = TRY(main.string("shlib_directory")), .meta_directory = TRY(main.string("meta_directory"))};
  options.main_setting = [&main](const std::string& name) -> Result<std::optional<std::string>> {
    if (main.find(name) == nullptr) return std::nullopt;
    return TRY(main.expand(name));
  };
  return options;
}

Tables::Tables(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Tables::~Tables() = default;

bool Tables::knows(std::string_view type) {
  if (find_type(type) != nullptr) return true;
  const auto module = state_->modules.find(type);
  return module && *module != nullptr;
}

Result<const module::IndexFormat*> Tables::index_format(std::string_view type) {
  const module::Module* const module = TRY(state_->modules.find(type));
  return module != nullptr ? module->index : nullptr;
}

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

Result<Found> Maps::lookup_with_parents(std::string_view name) const {
  Found found = TRY(lookup(name));
  for (std::size_t dot = name.find('.'); !found && dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    found = TRY(lookup_partial(name.substr(dot)));
  }
  return found;
}

}  // namespace maps
