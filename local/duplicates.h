#pragma once
// What has been done already for one recipient, so that nobody gets a message twice by two ways.

#include <string>
#include <string_view>
#include <unordered_set>

namespace local {

class Duplicates {
 public:
  // duplicate_filter_limit: so many are remembered; 0 remembers none.
  explicit Duplicates(std::size_t limit) : limit_(limit) {}

  // True at the first time, as far as is remembered. `kind` keeps a mailbox apart from an alias of that name.
  [[nodiscard]] bool is_first(std::string_view kind, std::string_view name) {
    if (is_known(kind, name)) return false;
    note(kind, name);
    return true;
  }
  // The same in two steps, for what may not come to be.
  [[nodiscard]] bool is_known(std::string_view kind, std::string_view name) const { return seen_.contains(key(kind, name)); }
  void note(std::string_view kind, std::string_view name) {
    if (seen_.size() < limit_) seen_.insert(key(kind, name));
  }

 private:
  static std::string key(std::string_view kind, std::string_view name) {
    std::string out(kind);
    out += '\0';
    out += name;
    return out;
  }

  std::size_t limit_;
  std::unordered_set<std::string> seen_;
};

}  // namespace local
