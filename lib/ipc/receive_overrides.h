#pragma once
// receive_override_options: what is not done to a message that comes in by this service, since it has been done before.

#include <string>
#include <string_view>

#include "lib/base/ascii.h"
#include "lib/base/error.h"
#include "lib/ipc/messages/cleanup.h"

namespace ipc {

struct ReceiveOverrides {
  bool checks_recipients = true;   // unless no_unknown_recipient_checks
  bool maps_addresses = true;      // unless no_address_mappings
  bool checks_content = true;      // unless no_header_body_checks
  bool asks_milters = true;        // unless no_milters

  static Result<ReceiveOverrides> parse(std::string_view words) {
    ReceiveOverrides out;
    for (const std::string_view word : ascii::split(words, ", \t\r\n")) {
      if (word == "no_unknown_recipient_checks") out.checks_recipients = false;
      else if (word == "no_address_mappings") out.maps_addresses = false;
      else if (word == "no_header_body_checks") out.checks_content = false;
      else if (word == "no_milters") out.asks_milters = false;
      else return base::fail("unknown receive_override_options value \"" + std::string(word) + "\" in \"" + std::string(words) + "\"");
    }
    return out;
  }

  // Of what cleanup is asked to do.
  [[nodiscard]] CleanupFlags cleanup_flags() const {
    return (maps_addresses ? CleanupFlags::map : CleanupFlags::none) | (checks_content ? CleanupFlags::filter : CleanupFlags::none);
  }
  // The same with non_smtpd_milters, for mail that comes in by other ways than SMTP.
  [[nodiscard]] CleanupFlags cleanup_flags_beside_smtp() const {
    return cleanup_flags() | (asks_milters ? CleanupFlags::milters : CleanupFlags::none);
  }
};

}  // namespace ipc
