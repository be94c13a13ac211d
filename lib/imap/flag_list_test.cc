#include "lib/imap/flag_list.h"

#include <string>

#include "lib/imap/test_arguments.h"

#include "lib/testing/catch.h"

namespace {

// Names as they would be shown, or why not.
std::string read(std::string_view text) {
  const auto tree = imap::testing::arguments(text);
  const auto flags = imap::FlagList::parse(tree.values());
  if (!flags) return flags.error().message();
  std::string out = std::to_string(flags->system);
  for (const std::string& keyword : flags->keywords) out += " " + keyword;
  if (flags->refusal()) out += ": " + std::string(*flags->refusal());
  return out;
}

}  // namespace

TEST_CASE("flags are system flags and keywords") {
  const std::string long_name(51, 'a');
  const struct { std::string says, seen; } table[] = {
      {"", "0"},
      {"\\Seen \\answered \\FLAGGED \\Deleted \\Draft", "31"},
      {"$Forwarded a $forwarded b", "0 $Forwarded a b"},
      {"NIL", "0 NIL"},
      {"\\Foo", "Invalid system flag \\FOO"},
      {"\\Recent", "Invalid system flag \\RECENT"},
      {"\\*", "Invalid system flag \\*"},
      {"\"a b\"", "Flags list contains non-atoms"},
      {"(a)", "Flags list contains non-atoms"},
      {"a]b", "0 a]b: Invalid characters in keyword"},
      {"a*b", "0 a*b: Invalid characters in keyword"},
      {long_name, "0 " + long_name + ": Keyword length too long"},
  };
  for (const auto& row : table) CHECK(read(row.says) == row.seen);
}
