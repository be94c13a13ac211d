#pragma once
// Recipients that were written already, so that each is written once. Bounded: when it is full nothing more is
// remembered, and a duplicate may be delivered twice rather than memory grow.

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "lib/maps/checked.h"

namespace cleanup {

class Duplicates {
 public:
  explicit Duplicates(std::size_t limit) : limit_(limit) {}  // 0: no limit

  // True when the key (in any case of letters) is new.
  [[nodiscard]] bool add(std::string_view key) {
    std::string folded = maps::fold_key(key, true);
    if (limit_ != 0 && seen_.size() >= limit_) return !seen_.contains(folded);
    return seen_.insert(std::move(folded)).second;
  }

 private:
  std::size_t limit_;
  std::unordered_set<std::string> seen_;
};

}  // namespace cleanup
