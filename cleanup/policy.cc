#include "cleanup/policy.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace cleanup {

Result<AddressPlace> parse_places(std::string_view parameter, std::string_view words) {
  AddressPlace places = AddressPlace::none;
  for (const std::string_view word : ascii::split(words, ", \t\r\n")) {
    if (word == "envelope_sender") places = places | AddressPlace::envelope_sender;
    else if (word == "envelope_recipient") places = places | AddressPlace::envelope_recipient;
    else if (word == "header_sender") places = places | AddressPlace::header_sender;
    else if (word == "header_recipient") places = places | AddressPlace::header_recipient;
    else return base::fail(fmt::format("unknown {} value \"{}\" in \"{}\"", parameter, word, words));
  }
  return places;
}

Result<HeaderEnd> parse_header_end(std::string_view word) {
  if (word == "fix_quietly") return HeaderEnd::fix_quietly;
  if (word == "add_header") return HeaderEnd::add_header;
  if (word == "reject") return HeaderEnd::reject;
  return base::fail("bad value of non_empty_end_of_header_action: " + std::string(word));
}

Result<FromFormat> parse_from_format(std::string_view word) {
  if (word == "standard") return FromFormat::standard;
  if (word == "obsolete") return FromFormat::obsolete;
  return base::fail("bad value of header_from_format: " + std::string(word));
}

}  // namespace cleanup
