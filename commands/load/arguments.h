#pragma once
// What stands on a command line.

#include <chrono>
#include <string>
#include <string_view>

namespace load {

// A number of at least `min`; ends the program with "bad WHAT: TEXT" when it is none.
[[nodiscard]] int number(std::string_view text, std::string_view what, int min = 1);
[[nodiscard]] std::chrono::seconds seconds(std::string_view text, std::string_view what, int min);

// This machine's name.
[[nodiscard]] std::string host_name();

// A deadline for connecting, reading a reply, sending a message.
inline constexpr std::chrono::seconds time_limit{300};

}  // namespace load
