#include "lib/smtp/ehlo_keywords.h"

#include <array>

#include "lib/base/ascii.h"

namespace smtp {
namespace {

struct Word {
  std::string_view text;
  Ehlo keyword;
};

constexpr std::array words{
    Word{"PIPELINING", Ehlo::pipelining},
    Word{"SIZE", Ehlo::size},
    Word{"VRFY", Ehlo::vrfy},
    Word{"ETRN", Ehlo::etrn},
    Word{"STARTTLS", Ehlo::starttls},
    Word{"AUTH", Ehlo::auth},
    Word{"VERP", Ehlo::verp},
    Word{"XCLIENT", Ehlo::xclient},
    Word{"XFORWARD", Ehlo::xforward},
    Word{"ENHANCEDSTATUSCODES", Ehlo::enhanced_status_codes},
    Word{"8BITMIME", Ehlo::eight_bit_mime},
    Word{"DSN", Ehlo::dsn},
    Word{"SMTPUTF8", Ehlo::smtputf8},
    Word{"CHUNKING", Ehlo::chunking},
    Word{"REQUIRETLS", Ehlo::require_tls},
    Word{"SILENT-DISCARD", Ehlo::silent_discard},
};

}  // namespace

Result<Ehlo> parse_ehlo_keywords(std::string_view value) {
  Ehlo set = Ehlo::none;
  for (const std::string_view text : ascii::split(value, ", \t\r\n")) {
    bool is_known = false;
    for (const Word& word : words) {
      if (!ascii::equal_ignoring_case(word.text, text)) continue;
      set = set | word.keyword;
      is_known = true;
    }
    if (!is_known) return base::fail("unknown EHLO keyword \"" + std::string(text) + "\"");
  }
  return set;
}

std::string ehlo_keywords_text(Ehlo set) {
  std::string out;
  for (const Word& word : words) {
    if (word.keyword == Ehlo::silent_discard || !has(set, word.keyword)) continue;
    if (!out.empty()) out += ' ';
    out += word.text;
  }
  return out;
}

}  // namespace smtp
