#pragma once
// Sends probes: messages to an address that agents do not deliver but say of what would become of them.

#include <string>

#include "lib/base/deadline.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/connections.h"
#include "services/verify/verify_params.h"

namespace verify {

class Prober {
 public:
  // All are borrowed.
  Prober(const Params& params, ipc::Connections& services, const base::Clock& clock);

  // Parks. Puts a probe of the address into the queue.
  [[nodiscard]] Result<void> send(const std::string& address);

 private:
  const Params& params_;
  ipc::Connections& services_;
  const base::Clock& clock_;
  ipc::Addresses addresses_;
  bool detects_smtputf8_;
};

}  // namespace verify
