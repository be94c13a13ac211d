#include "smtpd/filter_setup.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {
namespace {

Result<maps::ServerAddress> parse_address(const std::string& text) {
  auto address = TRY(maps::ServerAddress::parse_transport(text));
  return address ? std::move(*address) : maps::ServerAddress::parse_inet(text);
}

}  // namespace

Result<std::optional<FilterSetup>> FilterSetup::load(const Params& params) {
  const std::string& text = params.smtpd_proxy_filter;
  FilterSetup setup{.name = text, .address = {}, .helo = params.smtpd_proxy_ehlo, .timeout = params.smtpd_proxy_timeout};
  for (const std::string_view word : ascii::split(params.smtpd_proxy_options, ", \t\r\n")) {
    if (word == "speed_adjust") setup.waits = true;
    else return base::fail(fmt::format("unknown smtpd_proxy_options value \"{}\" in \"{}\"", word, params.smtpd_proxy_options));
  }
  if (text.empty()) return std::nullopt;
  setup.address = TRY(parse_address(text));
  return setup;
}

}  // namespace smtpd
