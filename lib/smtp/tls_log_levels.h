#pragma once
// *_tls_loglevel and *_tls_loglevel_maps: how much is told of TLS with one peer.

#include <initializer_list>
#include <string>
#include <string_view>

#include "lib/maps/table.h"
#include "lib/tls/log_level.h"

namespace smtp {

class TlsLogLevels {
 public:
  // Nothing, of nobody.
  TlsLogLevels() = default;
  // `parameter`: "smtpd_tls_loglevel"; the tables are that of `parameter` + "_maps".
  static Result<TlsLogLevels> open(maps::Tables& tables, const std::string& parameter, const std::string& value, const std::string& map_list);

  [[nodiscard]] tls::LogLevel general() const { return general_; }
  // The first that the tables have of these keys (empty ones are not asked for), or the general one; and that too, with a word in the log,
  // where they cannot be asked. May park.
  [[nodiscard]] tls::LogLevel of(std::initializer_list<std::string_view> keys) const;

 private:
  std::string parameter_;
  tls::LogLevel general_;
  maps::Maps maps_;
};

}  // namespace smtp
