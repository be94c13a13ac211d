#pragma once
// Recipients that were found in their tables a moment ago: under load the same few come again and again, and their tables
// may be behind another program. Only that somebody exists is kept, never that he does not.

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/deadline.h"

namespace smtpd::policy {

class RecentlyListed {
 public:
  static constexpr std::chrono::seconds lifetime{1};
  static constexpr std::size_t limit = 4096;  // when there are more, all are forgotten

  explicit RecentlyListed(const base::Clock& clock) : clock_(clock) {}

  [[nodiscard]] bool contains(const std::string& address) const {
    const auto found = until_.find(address);
    return found != until_.end() && found->second > clock_.now();
  }
  void add(const std::string& address) {
    if (until_.size() >= limit) until_.clear();
    until_[address] = clock_.now() + lifetime;
  }

 private:
  const base::Clock& clock_;
  std::unordered_map<std::string, Deadline> until_;
};

}  // namespace smtpd::policy
