#include "lib/mail/logged_address.h"

#include <fmt/core.h>

#include "lib/mail/address.h"

namespace mail {
namespace {

bool logs_internal = false;  // of the process, as the log's tag is

}  // namespace

Result<void> set_logged_address_format(std::string_view format) {
  if (format != "external" && format != "internal") {
    return base::fail(fmt::format("invalid parameter setting \"info_log_address_format = {}\"", format));
  }
  logs_internal = format == "internal";
  return {};
}

std::string logged_address(std::string_view internal) { return logs_internal ? std::string(internal) : to_external(internal); }

}  // namespace mail
