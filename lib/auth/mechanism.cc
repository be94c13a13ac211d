#include "lib/auth/mechanism.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace auth {
namespace {

struct PropertyWord {
  std::string_view word;
  Property property;
};

// As the protocol has them.
constexpr PropertyWord property_table[] = {
    {"plaintext", Property::plaintext},     {"dictionary", Property::dictionary},   {"active", Property::active},
    {"anonymous", Property::anonymous},     {"forward-secrecy", Property::forward_secrecy},
    {"mutual-auth", Property::mutual_auth}, {"private", Property::hidden},
    {"valija-channel-binding", Property::channel_binding},
};

enum class Wish { forbids, wants };

struct OptionWord {
  std::string_view word;
  Wish wish;
  Property property;
};

// As main.cf has them.
constexpr OptionWord option_table[] = {
    {"noplaintext", Wish::forbids, Property::plaintext},  {"nodictionary", Wish::forbids, Property::dictionary},
    {"noactive", Wish::forbids, Property::active},        {"noanonymous", Wish::forbids, Property::anonymous},
    {"forward_secrecy", Wish::wants, Property::forward_secrecy}, {"mutual_auth", Wish::wants, Property::mutual_auth},
};

}  // namespace

Property property_of(std::string_view word) {
  for (const PropertyWord& row : property_table) {
    if (row.word == word) return row.property;
  }
  return Property::none;
}

std::string property_words(Property properties) {
  std::string out;
  for (const PropertyWord& row : property_table) {
    if ((properties & row.property) != Property::none) out += fmt::format("\t{}", row.word);
  }
  return out;
}

Result<SecurityOptions> SecurityOptions::parse(std::string_view parameter, std::string_view value) {
  SecurityOptions out;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    const OptionWord* found = nullptr;
    for (const OptionWord& row : option_table) {
      if (ascii::equal_ignoring_case(row.word, word)) found = &row;
    }
    if (found == nullptr) return base::fail(fmt::format("{}: unknown SASL security option \"{}\" in \"{}\"", parameter, word, value));
    Property& set = found->wish == Wish::forbids ? out.forbidden_ : out.wanted_;
    set = set | found->property;
  }
  return out;
}

}  // namespace auth
