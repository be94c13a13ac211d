#pragma once
// smtpd_proxy_filter and its like: the content filter that stands in front of the queue, and how to speak to it.

#include <chrono>
#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/maps/server_connections.h"

namespace smtpd {

struct Params;

struct FilterSetup {
  std::string name;              // as configured, for the log
  maps::ServerAddress address;
  std::string helo;              // what we call ourselves
  std::chrono::seconds timeout{0};   // for a connection, and for each exchange
  bool waits = false;            // speed_adjust: it hears of a message when all of that has come

  // None: there is no filter. An error says which setting is wrong.
  static Result<std::optional<FilterSetup>> load(const Params& params);
};

}  // namespace smtpd
