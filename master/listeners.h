#pragma once
// The sockets of a service, from its line in master.cf.

#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/config/master_cf.h"
#include "lib/io/socket.h"
#include "master/master_params.h"

namespace master {

struct Listener {
  std::string name;  // "127.0.0.1:25", "private/rewrite": to find it again at a reload
  Fd fd;
};

// Addresses of inet_interfaces under inet_protocols. "all" gives the unspecified addresses.
[[nodiscard]] Result<std::vector<io::Address>> interface_addresses(const Params& params);

// Opens what is not among `kept` (which loses what is taken from it).
[[nodiscard]] Result<std::vector<Listener>> open_listeners(const config::MasterEntry& entry, const Params& params,
                                                           std::vector<Listener>& kept);

// "private/NAME" or "public/NAME" of a local service, relative to the queue directory.
[[nodiscard]] std::string socket_path(const config::MasterEntry& entry);

}  // namespace master
