#include "lib/base/host_name.h"

#include "lib/base/ascii.h"

namespace base {
namespace {
constexpr std::size_t name_limit = 255;
constexpr std::size_t label_limit = 63;
}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > name_limit) return false;
  std::size_t label = 0;
  bool numeric = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '.') {
      if (label == 0 || name[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    if (!ascii::is_alnum(c) && c != '_' && c != '-') return false;
    if ((c == '-' && label == 0) || ++label > label_limit) return false;
    numeric = numeric && ascii::is_digit(c);
  }
  return label > 0 && name.back() != '-' && !numeric;
}

}  // namespace base
