#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "local/agent.h"

namespace local {

Result<Words> Words::parse(std::string_view parameter, std::string_view value, std::vector<std::string_view> known) {
  Words words;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    if (std::ranges::find(known, word) == known.end()) {
      return base::fail(fmt::format("unknown {} value \"{}\" in \"{}\"", parameter, word, value));
    }
    words.words_.emplace(word);
  }
  return words;
}

bool Words::has(Origin origin) const {
  switch (origin) {
    case Origin::direct: return false;
    case Origin::alias: return has("alias");
    case Origin::forward: return has("forward");
    case Origin::include: return has("include");
  }
  return false;
}

}  // namespace local
