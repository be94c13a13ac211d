#include "lib/tls/ciphers.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace tls {

Result<std::string> cipher_list(const CipherLists& lists, std::string_view grade, std::string_view exclude) {
  const auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(grade, name); };
  std::string list;
  if (is("high")) list = lists.high;
  else if (is("medium") || is("low") || is("export")) list = lists.medium;
  else if (is("null")) list = lists.null;
  else return base::fail(fmt::format("invalid cipher grade: \"{}\"", grade));
  for (const std::string_view cipher : ascii::split(exclude, ", \t\r\n:")) list += fmt::format(":!{}", cipher);
  return list;
}

}  // namespace tls
