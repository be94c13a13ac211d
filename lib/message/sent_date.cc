#include "lib/message/sent_date.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/base/ascii.h"
#include "lib/message/lexer.h"

namespace message {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

struct Zone {
  std::string_view name;
  int hours;
};
constexpr std::array zones{Zone{"EST", -5}, Zone{"EDT", -4}, Zone{"CST", -6}, Zone{"CDT", -5},
                           Zone{"MST", -7}, Zone{"MDT", -6}, Zone{"PST", -8}, Zone{"PDT", -7}};

// A zone that is not known is Greenwich's.
std::chrono::minutes zone_offset(std::string_view text) {
  if (text.size() == 5 && (text[0] == '+' || text[0] == '-')) {
    const auto number = ascii::parse_number(text.substr(1));
    if (!number) return std::chrono::minutes(0);
    const auto minutes = static_cast<int>(*number / 100 * 60 + *number % 100);
    return std::chrono::minutes(text[0] == '-' ? -minutes : minutes);
  }
  if (text.size() == 1 && ascii::is_alpha(text[0])) {
    // RFC 822's letters of the military, without J.
    const char c = ascii::to_upper(text[0]);
    if (c == 'J' || c == 'Z') return std::chrono::minutes(0);
    return std::chrono::hours(c < 'J' ? c - 'A' + 1 : c <= 'M' ? c - 'A' : 'M' - c);
  }
  const auto* found = std::ranges::find_if(zones, [&](const Zone& zone) { return ascii::equal_ignoring_case(zone.name, text); });
  return std::chrono::hours(found == zones.end() ? 0 : found->hours);
}

class Parser {
 public:
  explicit Parser(std::string_view value) : lexer_(value) {}

  std::optional<SentDate> run() {
    std::string_view word = atom();
    if (word.size() == 3 && !ascii::is_digit(word[0])) {
      if (!lexer_.take(',')) return std::nullopt;
      word = atom();
    }
    const auto day = number(word, 1, 2);
    const std::string month = ascii::lowercase(atom()).substr(0, 3);
    const auto* const found = std::ranges::find(months, month);
    const std::string_view year_text = atom();
    auto year = year_text.size() == 3 ? std::nullopt : number(year_text, 2, 4);
    if (!day || found == months.end() || !year) return std::nullopt;
    if (year_text.size() == 2) *year += *year < 70 ? 2000 : 1900;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(found - months.begin()) + 1),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *year < 1970) return std::nullopt;
    const auto time = time_of_day();
    if (!time) return std::nullopt;
    if (!lexer_.at_end() && !is_atext(lexer_.peek())) return std::nullopt;
    const std::chrono::minutes zone = zone_offset(atom());
    return SentDate{.time = std::chrono::sys_days(date) + *time - zone, .zone = zone};
  }

 private:
  std::string_view atom() {
    lexer_.skip();
    const std::string_view word = lexer_.run(is_atext);
    lexer_.skip();
    return word;
  }

  static std::optional<int> number(std::string_view word, std::size_t least, std::size_t most) {
    if (word.size() < least || word.size() > most) return std::nullopt;
    const auto value = ascii::parse_number(word);
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  }

  // "06:24:59", or with dots, or without seconds.
  std::optional<std::chrono::seconds> time_of_day() {
    const auto hours = number(atom(), 1, 2);
    if (!lexer_.take(':') && !lexer_.take('.')) return std::nullopt;
    const auto minutes = number(atom(), 2, 2);
    std::optional<int> seconds = 0;
    if (lexer_.take(':') || lexer_.take('.')) seconds = number(atom(), 2, 2);
    if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(std::min(*seconds, 59));
  }

  Lexer lexer_;
};

}  // namespace

std::optional<SentDate> parse_sent_date(std::string_view value) { return Parser(value).run(); }

}  // namespace message
