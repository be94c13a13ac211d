#include "lib/delivery/delivered_to.h"

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/queue/content.h"

namespace delivery {

Result<DeliveredTo> DeliveredTo::read(int fd, std::int64_t data_offset) {
  DeliveredTo result;
  queue::ContentReader reader(fd, data_offset);
  bool line_goes_on = false;
  for (std::size_t lines = 0; lines < header_limit; ++lines) {
    const auto line = TRY(reader.next());
    if (!line) break;
    const bool starts_line = !line_goes_on;
    line_goes_on = line->continued;
    if (!starts_line) continue;
    const auto field = mail::split_header(line->text);
    if (!field) {
      if (mail::is_folded(line->text)) continue;
      break;
    }
    if (!ascii::equal_ignoring_case(field->name, "Delivered-To")) continue;
    result.addresses_.insert(ascii::lowercase(mail::to_internal(ascii::trim(field->value))));
  }
  return result;
}

bool DeliveredTo::contains(std::string_view address) const { return addresses_.contains(ascii::lowercase(address)); }

}  // namespace delivery
