#include "cleanup/alias.h"

#include <algorithm>

#include <fmt/core.h>

#include "cleanup/lookup.h"
#include "lib/base/ascii.h"

namespace cleanup {
namespace {

constexpr std::string_view parameter = "virtual_alias_maps";
constexpr std::size_t shown_length = 300;  // bytes of an over-long result in the log

// One step: looks list[at] up and puts what it stands for into the list. False when it stands for itself.
Result<bool> expand_once(Addresses& addresses, const Policy& policy, std::vector<std::string>& list, std::size_t at,
                         std::vector<std::string>& own_aliases) {
  const auto is_same = [&](const std::string& other) { return ascii::equal_ignoring_case(other, list[at]); };
  if (std::ranges::any_of(own_aliases, is_same)) return false;
  auto found = TRY(look_up(addresses, policy, AddressTable::virtual_alias, list[at]));
  if (!found) return false;
  std::vector<std::string> results = std::move(*found);
  if (list.size() + results.size() > policy.alias.expansion + 1) {
    return base::fail(fmt::format("unreasonable {} map expansion size for {} -- {}", parameter, list[at], not_accepted));
  }
  for (const std::string& result : results) {
    if (result.size() <= policy.alias.address_length) continue;
    return base::fail(
        fmt::format("unreasonable {} result {}... -- {}", parameter, result.substr(0, shown_length), not_accepted));
  }
  // An address among its own aliases is final, wherever it stands.
  const bool is_final = std::erase_if(results, is_same) > 0;
  if (is_final) own_aliases.push_back(list[at]);
  else std::swap(list[at], results.front());
  for (std::size_t i = is_final ? 0 : 1; i < results.size(); ++i) list.push_back(std::move(results[i]));
  return !is_final;
}

}  // namespace

Result<std::vector<std::string>> expand_aliases(Addresses& addresses, const Policy& policy,
                                                const std::string& recipient) {
  std::vector<std::string> list{recipient};
  std::vector<std::string> own_aliases;  // found to stand for themselves
  for (std::size_t at = 0; at < list.size(); ++at) {
    std::size_t lookups = 0;
    while (TRY(expand_once(addresses, policy, list, at, own_aliases))) {
      if (++lookups < policy.alias.recursion) continue;
      return base::fail(fmt::format("unreasonable {} map nesting for {} -- {}", parameter, recipient, not_accepted));
    }
  }
  return list;
}

}  // namespace cleanup
