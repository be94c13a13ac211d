#pragma once
// postscreen_access_list: whom to let in or refuse before any test.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/maps/table.h"

namespace postscreen {

enum class Access { permit, reject, dunno };

class AccessList {
 public:
  static Result<AccessList> open(maps::Tables& tables, std::string_view value, std::string_view mynetworks);
  // Of a client's address. What cannot be asked or understood ends the list: that is logged.
  [[nodiscard]] Access decide(const std::string& address) const;

 private:
  struct Item {
    std::string word;                     // "permit_mynetworks"; empty for a table
    std::shared_ptr<maps::Table> table;
  };
  [[nodiscard]] std::optional<Access> meaning_of(std::string_view word, const std::string& address) const;

  std::vector<Item> items_;
  maps::MatchList networks_;
};

}  // namespace postscreen
