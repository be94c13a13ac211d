#pragma once
// Long text in short lines, as notices have it.

#include <functional>
#include <string_view>

#include "lib/queue/content.h"

namespace bounce {

// Receives one line of a notice, or a piece of one, as it becomes a record. False: do not go on.
using LineSink = std::function<bool(const queue::ContentLine& line)>;

inline constexpr std::size_t line_width = 79;

// Breaks at blanks; lines after the first are indented by four. A word that is longer than a line gets one of its own.
[[nodiscard]] bool wrap(std::string_view text, const LineSink& sink);

}  // namespace bounce
