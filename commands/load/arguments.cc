#include "commands/load/arguments.h"

#include <array>
#include <climits>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace load {

int number(std::string_view text, std::string_view what, int min) {
  const auto value = ascii::parse_number(text, INT_MAX);
  if (!value || static_cast<int>(*value) < min) maillog::fatal("bad {}: {}", what, text);
  return static_cast<int>(*value);
}

std::chrono::seconds seconds(std::string_view text, std::string_view what, int min) {
  return std::chrono::seconds(number(text, what, min));
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace load
