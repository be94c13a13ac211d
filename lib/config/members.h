#pragma once
// How a program's Params struct is filled: the generated header lists its members in one table, and load_members walks
// it.

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace config {

// A parameter kept as written, for its user to expand.
template <class Params>
struct RawMember {
  std::string Params::* pointer;
};

template <class Params>
struct Member {
  std::string_view name;
  std::variant<bool Params::*, int Params::*, long Params::*, std::chrono::seconds Params::*, std::string Params::*,
               RawMember<Params>>
      pointer;
};

// One member. Out of line: inlined, g++ 12 warns of strings beyond the end of a Params that has none.
Result<void> read_into(const Main& main, std::string_view name, bool& value);
Result<void> read_into(const Main& main, std::string_view name, int& value);
Result<void> read_into(const Main& main, std::string_view name, long& value);
Result<void> read_into(const Main& main, std::string_view name, std::chrono::seconds& value);
Result<void> read_into(const Main& main, std::string_view name, std::string& value);
Result<void> read_raw_into(const Main& main, std::string_view name, std::string& value);

template <class Params>
Result<Params> load_members(const Main& main, std::span<const Member<Params>> members) {
  Params params{};
  for (const Member<Params>& member : members) {
    auto read = std::visit(
        [&](auto pointer) -> Result<void> {
          if constexpr (std::is_same_v<decltype(pointer), RawMember<Params>>) {
            return read_raw_into(main, member.name, params.*pointer.pointer);
          } else {
            return read_into(main, member.name, params.*pointer);
          }
        },
        member.pointer);
    if (!read) return base::Failure(std::move(read).error());
  }
  return params;
}

}  // namespace config
