#pragma once
// A mailbox's name, as callers know it (UTF-8, levels apart by Location::separator(), INBOX in any case is "INBOX"), and
// as it is on disk.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/store/location.h"

namespace store {

inline constexpr std::size_t name_size_max = 1024;      // bytes, of a whole name
inline constexpr std::size_t name_part_size_max = 255;  // bytes on disk, of what is one file name
inline constexpr std::size_t name_depth_max = 32;

inline constexpr std::string_view inbox_name = "INBOX";

// "INBOX" for inbox in any case; and what is below it ("inbox.A" is "INBOX.A").
[[nodiscard]] std::string canonical_name(std::string_view name, char separator);

// Refuses (EINVAL, ENAMETOOLONG) what is no name of a mailbox here: empty parts, "." and "..", a leading '~', '/' where it
// is not the separator, NUL and other controls, what is not UTF-8, names of Maildir's own folders (cur, new, tmp) in a layout
// where they would collide.
[[nodiscard]] Result<void> check_name(std::string_view name, const Location& location);

// Below the root: ".A.&AOQ-" or "A/B". The name has been checked and is not INBOX.
[[nodiscard]] std::string disk_name(std::string_view name, const Location& location);
// The other way, of what readdir finds; none when no mailbox could have it.
[[nodiscard]] std::optional<std::string> name_of(std::string_view disk_name, const Location& location);

}  // namespace store
