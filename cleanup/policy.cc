#include "cleanup/policy.h"

namespace cleanup {

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
