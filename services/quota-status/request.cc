#include "services/quota-status/request.h"

#include "lib/base/ascii.h"

namespace quota_status {

Result<void> Request::take(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return base::fail("a line without \"=\": " + ascii::printable(line.substr(0, 100)));
  if (++attributes > attributes_limit) return base::fail("too many attributes");
  const std::string_view name = line.substr(0, equals), value = line.substr(equals + 1);
  if (name == "request") kind = value;
  if (name == "protocol_state") state = value;
  if (name == "recipient") recipient = value;
  if (name == "size") {
    const auto number = ascii::parse_number(value, INT64_MAX / 4);
    if (!number) return base::fail("a size that is none: " + ascii::printable(value.substr(0, 100)));
    size = static_cast<std::int64_t>(*number);
  }
  return {};
}

}  // namespace quota_status
