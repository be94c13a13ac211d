// Lists of names, networks, files and tables: mydestination, mynetworks, relay_domains. An item that cannot be used fails
// the matches that reach it, as in Postfix, and nothing before it.

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/maps/checked.h"
#include "lib/maps/list.h"
#include "lib/maps/logical_lines.h"
#include "lib/maps/network.h"
#include "lib/maps/table.h"
#include "lib/maps/text_table.h"

namespace maps {

struct MatchList::Item {
  enum class Kind { name, network, table, broken };
  Kind kind = Kind::name;
  bool negated = false;
  std::string text;               // the name, folded; broken: what is wrong
  Network network;
  std::shared_ptr<Table> table;
};

namespace {

constexpr int file_depth_limit = 10;                      // a /file that names a /file ...
constexpr std::size_t list_file_limit = 16 * 1024 * 1024; // bytes

bool looks_like_table(std::string_view item) { return item.contains(':') && !item.starts_with('['); }

bool looks_like_network(std::string_view item) { return item.contains('/') || (item.starts_with('[') && item.ends_with(']')); }

Result<bool> in_table(Table& table, std::string_view key) {
  Result<Found> found = table.lookup(key);
  if (!found) {
    return base::Failure(std::move(found).error().within(fmt::format("{}: table lookup problem", table.name())));
  }
  return found->has_value();
}

// A name and its parents in a table of fixed keys; the whole name once in others.
Result<bool> domain_in_table(Table& table, std::string_view name, bool parents_match) {
  if (TRY(in_table(table, name))) return true;
  if (!table.has_fixed_keys()) return false;
  for (std::size_t dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const std::string_view parent = name.substr(parents_match ? dot + 1 : dot);
    if (!parent.empty() && TRY(in_table(table, parent))) return true;
  }
  return false;
}

bool domain_is_below(std::string_view name, std::string_view pattern, bool parents_match) {
  if (name == pattern) return true;
  if (parents_match) {
    return name.size() > pattern.size() && name.ends_with(pattern) && name[name.size() - pattern.size() - 1] == '.';
  }
  return pattern.starts_with('.') && name.size() > pattern.size() && name.ends_with(pattern);
}

Result<std::string> read_list_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return base::fail_system(fmt::format("open file {}", path));
  return read_text_file(file.get(), list_file_limit);
}

}  // namespace

// Adds the items of `value` in order; files are replaced by what they list.
class MatchListParser {
 public:
  using Item = MatchList::Item;
  MatchListParser(Tables& tables, std::string_view parameter, ListKind kind, std::vector<std::shared_ptr<const Item>>& items)
      : tables_(tables), parameter_(parameter), kind_(kind), items_(items) {}

  void add_all(std::string_view value, bool negated, int depth) {
    for (std::string_view item : split_list(value)) {
      bool item_negated = negated;
      for (; item.starts_with('!'); item.remove_prefix(1)) item_negated = !item_negated;
      if (item.starts_with('/')) {
        add_file(std::string(item), item_negated, depth);
      } else {
        add(item, item_negated);
      }
    }
  }

 private:
  void add_broken(std::string text) {
    Item item;
    item.kind = Item::Kind::broken;
    item.text = std::move(text);
    items_.push_back(std::make_shared<const Item>(std::move(item)));
  }

  void add_file(const std::string& path, bool negated, int depth) {
    if (depth >= file_depth_limit) return add_broken(fmt::format("{}: files nested too deeply", path));
    tables_.reads_file(path, Rereads::never);
    auto text = read_list_file(path);
    if (!text) return add_broken(fmt::format("non-existent:{}: table lookup problem: {}", path, text.error().message()));
    LogicalLines lines(*text, path);
    while (const auto line = lines.next()) add_all(line->text, negated, depth + 1);
  }

  void add(std::string_view text, bool negated) {
    Item item;
    item.negated = negated;
    if (looks_like_table(text)) {
      auto table = tables_.open(text, Flags::fold_keys);
      if (!table) return add_broken(fmt::format("{}: table lookup problem: {}", text, table.error().message()));
      item.kind = Item::Kind::table;
      item.table = std::move(*table);
    } else if (kind_ == ListKind::address && looks_like_network(text)) {
      auto network = Network::parse(text);
      if (!network) return add_broken(network.error().message());
      item.kind = Item::Kind::network;
      item.network = *network;
    } else {
      item.text = fold_key(text, true);
    }
    items_.push_back(std::make_shared<const Item>(std::move(item)));
  }

  Tables& tables_;
  std::string_view parameter_;
  ListKind kind_;
  std::vector<std::shared_ptr<const Item>>& items_;
};

Result<MatchList> MatchList::parse(Tables& tables, std::string_view parameter, std::string_view value, ListKind kind,
                                   bool parents_match) {
  MatchList list;
  list.parameter_ = parameter;
  list.kind_ = kind;
  list.parents_match_ = parents_match;
  MatchListParser(tables, parameter, kind, list.items_).add_all(value, false, 0);
  return list;
}

Result<bool> MatchList::matches(std::string_view text) const {
  if (kind_ == ListKind::address) return matches({}, text);
  return matches(text, {});
}

Result<bool> MatchList::matches(std::string_view name, std::string_view address) const {
  const std::string folded = fold_key(name, true);
  const auto binary = BinaryAddress::parse(address);
  for (const std::shared_ptr<const Item>& item : items_) {
    const auto matched = item_matches(*item, folded, address, binary ? &*binary : nullptr);
    if (!matched) return base::fail(fmt::format("{}: {}", parameter_, matched.error().message()), matched.error().code());
    if (*matched) return !item->negated;
  }
  return false;
}

Result<bool> MatchList::item_matches(const Item& item, std::string_view name, std::string_view address, const BinaryAddress* binary) const {
  switch (item.kind) {
    case Item::Kind::broken: return base::fail(item.text);
    case Item::Kind::network: return binary != nullptr && item.network.contains(*binary);
    case Item::Kind::name:
      if (kind_ == ListKind::string) return name == item.text;
      return (!name.empty() && domain_is_below(name, item.text, parents_match_)) || (!address.empty() && address == item.text);
    case Item::Kind::table:
      if (kind_ == ListKind::string) return in_table(*item.table, name);
      if (!name.empty() && TRY(domain_in_table(*item.table, name, parents_match_))) return true;
      return !address.empty() && TRY(in_table(*item.table, address));
  }
  return false;
}

}  // namespace maps
