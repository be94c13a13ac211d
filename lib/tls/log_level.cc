#include "lib/tls/log_level.h"

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace tls {
namespace {

struct Word {
  std::string_view text;
  Detail detail;
};
// What Postfix tells apart further counts for the step that has it.
constexpr std::array words{
    Word{"0", Detail::none},           Word{"none", Detail::none},
    Word{"1", Detail::summary},        Word{"summary", Detail::summary},
    Word{"routine", Detail::summary},  Word{"2", Detail::steps},
    Word{"debug", Detail::steps},      Word{"ssl-debug", Detail::steps},
    Word{"verbose", Detail::steps},    Word{"cache", Detail::steps},
    Word{"peercert", Detail::steps},   Word{"certmatch", Detail::steps},
    Word{"untrusted", Detail::steps},  Word{"3", Detail::handshake},
    Word{"ssl-expert", Detail::handshake}, Word{"ssl-handshake-packet-dump", Detail::handshake},
    Word{"4", Detail::session},        Word{"5", Detail::session},
    Word{"6", Detail::session},        Word{"7", Detail::session},
    Word{"8", Detail::session},        Word{"9", Detail::session},
    Word{"ssl-developer", Detail::session}, Word{"ssl-session-packet-dump", Detail::session},
};

}  // namespace

LogLevel read_log_level(std::string_view parameter, std::string_view value) {
  LogLevel level;
  for (const std::string_view item : ascii::split(value, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(item, "trace")) {
      level.is_traced = true;
      continue;
    }
    const auto* const found = std::ranges::find_if(words, [&](const Word& word) { return ascii::equal_ignoring_case(word.text, item); });
    if (found == words.end()) maillog::warning("unknown {} value \"{}\" in \"{}\"", parameter, item, value);
    else level.detail = std::max(level.detail, found->detail);
  }
  return level;
}

}  // namespace tls
