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

inline Result<void> read_into(const Main& main, std::string_view name, bool& value) {
  value = TRY(main.boolean(name));
  return {};
}
inline Result<void> read_into(const Main& main, std::string_view name, int& value) {
  value = TRY(main.integer(name));
  return {};
}
inline Result<void> read_into(const Main& main, std::string_view name, long& value) {
  value = TRY(main.long_integer(name));
  return {};
}
inline Result<void> read_into(const Main& main, std::string_view name, std::chrono::seconds& value) {
  value = TRY(main.time(name));
  return {};
}
inline Result<void> read_into(const Main& main, std::string_view name, std::string& value) {
  value = TRY(main.string(name));
  return {};
}

template <class Params>
Result<Params> load_members(const Main& main, std::span<const Member<Params>> members) {
  Params params{};
  for (const Member<Params>& member : members) {
    auto read = std::visit(
        [&](auto pointer) -> Result<void> {
          if constexpr (std::is_same_v<decltype(pointer), RawMember<Params>>) {
            params.*pointer.pointer = TRY(main.raw(member.name));
            return {};
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
