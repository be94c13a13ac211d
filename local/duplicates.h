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
    std::string key(kind);
    key += '\0';
    key += name;
    if (seen_.contains(key)) return false;
    if (seen_.size() < limit_) seen_.insert(std::move(key));
    return true;
  }

 private:
  std::size_t limit_;
  std::unordered_set<std::string> seen_;
};

}  // namespace local
