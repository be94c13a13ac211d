#pragma once

#include "lib/server/service.h"

namespace server {

// Whether this is no client but master, who wakes a service from time to time (the fifth column of master.cf): it writes a byte with
// which no request begins. For services of requests; parks until something has come.
[[nodiscard]] bool is_wakeup(Connection& connection);

}  // namespace server
