#include "lib/smtp/tls_log_levels.h"

#include "lib/log/log.h"

namespace smtp {

Result<TlsLogLevels> TlsLogLevels::open(maps::Tables& tables, const std::string& parameter, const std::string& value, const std::string& map_list) {
  TlsLogLevels levels;
  levels.parameter_ = parameter;
  levels.general_ = tls::read_log_level(parameter, value);
  levels.maps_ = TRY(maps::Maps::open(tables, parameter + "_maps", map_list, maps::Flags::fold_keys));
  return levels;
}

tls::LogLevel TlsLogLevels::of(std::initializer_list<std::string_view> keys) const {
  if (maps_.empty()) return general_;
  for (const std::string_view key : keys) {
    if (key.empty()) continue;
    const auto found = maps_.lookup(key);
    if (!found) {
      maillog::warning("{}_maps: {}", parameter_, found.error().message());
      return general_;
    }
    if (*found) return tls::read_log_level(parameter_ + "_maps", **found);
  }
  return general_;
}

}  // namespace smtp
