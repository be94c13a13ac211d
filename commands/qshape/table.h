#pragma once
// The counts as a table: names on the left, right-justified, so that the last column ends where the terminal does.

#include <cstdint>
#include <string>
#include <vector>

#include "commands/qshape/ages.h"
#include "commands/qshape/counts.h"

namespace qshape {

struct Layout {
  std::size_t width;           // of a line; more when the columns alone need more
  std::size_t rows;            // domains to show
  std::uint64_t children_min;  // of a parent
};

[[nodiscard]] std::string table(const Counts& counts, const Ages& ages, const Layout& layout);

}  // namespace qshape
