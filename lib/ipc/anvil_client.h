#pragma once
// Who asks anvil(8): for the life of a process.

#include <optional>
#include <string>

#include "lib/event/loop.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/anvil.h"

namespace ipc {

// The process's one lasting connection to anvil: it must be one, since anvil takes back what a connection that closes
// has counted. Questions of several sessions wait for each other here.
class AnvilClient {
 public:
  explicit AnvilClient(Connections& services) : services_(services), turn_(1) {}

  // When anvil cannot be asked, nothing is limited: a warning, and an answer of zeros.
  [[nodiscard]] AnvilAnswer ask(AnvilEvent event, std::string ident);

 private:
  [[nodiscard]] Result<AnvilAnswer> try_ask(const AnvilRequest& request, Deadline deadline);

  Connections& services_;
  event::Semaphore turn_;
  std::optional<Connections::Connection> connection_;
};

}  // namespace ipc
