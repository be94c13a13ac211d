#pragma once
// A table whose entries are in memory: what internal, inline and texthash have in common.

#include <map>
#include <string>
#include <string_view>

#include "lib/maps/table.h"

namespace maps {

using Entries = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] inline Found find_entry(const Entries& entries, std::string_view key) {
  const auto found = entries.find(key);
  return found != entries.end() ? Found(found->second) : Found{};
}

class MemoryTable final : public Table {
 public:
  MemoryTable(std::string name, Entries entries, bool can_change)
      : Table(std::move(name)), entries_(std::move(entries)), can_change_(can_change) {}
  Result<Found> lookup(std::string_view key) override { return find_entry(entries_, key); }
  Result<void> each(const Visitor& visit) override {
    for (const auto& [key, value] : entries_) visit(key, value);
    return {};
  }
  Result<bool> walk(std::string_view after, std::size_t limit, const Visitor& visit) override {
    auto at = after.empty() ? entries_.begin() : entries_.upper_bound(after);
    for (; at != entries_.end() && limit > 0; ++at, --limit) visit(at->first, at->second);
    return at != entries_.end();
  }
  Result<void> put(std::string_view key, std::string_view value) override {
    if (!can_change_) return Table::put(key, value);
    entries_.insert_or_assign(std::string(key), std::string(value));
    return {};
  }
  Result<bool> erase(std::string_view key) override {
    if (!can_change_) return Table::erase(key);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    entries_.erase(found);
    return true;
  }

 private:
  Entries entries_;
  bool can_change_;
};

}  // namespace maps
