#pragma once
// Which tables others may use through proxymap: those that main.cf names with "proxy:" in front, anywhere in the value
// of proxy_read_maps (proxy_write_maps), whose default is the values of all parameters that name tables.

#include <set>
#include <string>
#include <string_view>

namespace proxymap {

class ApprovedTables {
 public:
  // `value` is the parameter after expansion. "proxy:" within restriction lists and in braces counts, too.
  static ApprovedTables parse(std::string_view value);
  // `table` is "type:name", without "proxy:".
  [[nodiscard]] bool contains(std::string_view table) const { return names_.contains(table); }
  [[nodiscard]] std::size_t size() const { return names_.size(); }
  // Each "type:table".
  [[nodiscard]] const std::set<std::string, std::less<>>& names() const { return names_; }

 private:
  void add_all(std::string_view value, int depth);
  std::set<std::string, std::less<>> names_;
};

}  // namespace proxymap
