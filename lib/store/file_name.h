#pragma once
// The name of a message's file in a Maildir: "BASE:2,FLAGS". BASE never changes and is what dovecot-uidlist knows; in it
// ",S=" is the file's size and ",W=" the size with CRLF.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/store/flags.h"

namespace store {

inline constexpr unsigned letter_keywords = 26;  // a to z

struct FileName {
  std::string_view base;
  std::string_view info;  // after the ':'; empty: none

  [[nodiscard]] static FileName split(std::string_view name);
  // System flags, and the keywords that have letters.
  [[nodiscard]] Flags flags() const;
  [[nodiscard]] std::optional<std::uint64_t> size() const { return number(",S="); }
  [[nodiscard]] std::optional<std::uint64_t> wire_size() const { return number(",W="); }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key) const;
};

// "BASE:2,FLAGS" in the order of ASCII, as all programs write it. `info`: of the name before, whose flags that nobody here
// knows (P for passed, ...) are kept.
[[nodiscard]] std::string file_name(std::string_view base, Flags flags, std::string_view info = {});

// Order of arrival, as far as names tell it: by the seconds in front, then by the rest.
[[nodiscard]] bool arrived_before(std::string_view a, std::string_view b);

}  // namespace store
