#pragma once
// The daemon: at each trigger it moves what is complete in maildrop/ to cleanup, several messages at a time.

#include <deque>
#include <memory>
#include <string>

#include "lib/event/loop.h"
#include "lib/ipc/connections.h"
#include "lib/queue/saved.h"
#include "lib/server/service.h"
#include "submit/pickup/message_file.h"

namespace pickup {

class Server final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  void serve(server::Connection&) override {}
  void trigger(std::string_view bytes) override;

 private:
  struct Setup {
    Identity identity;
    ipc::CleanupFlags flags;
    std::string cleanup_socket;
    std::chrono::seconds ipc_timeout;
    queue::Layout layout;
    queue::Remains remains;
  };
  Server(ipc::Connections& services, const base::Clock& clock, Setup setup)
      : services_(services), clock_(clock), setup_(std::move(setup)) {}

  // One pass. True when another one is useful: there is more, and this one got somewhere.
  [[nodiscard]] bool pass();
  // Takes names until none is left, or cleanup is not there.
  void work();
  enum class Fate { removed, kept, cleanup_is_down };
  [[nodiscard]] Fate pick_up(const std::string& name);
  [[nodiscard]] Fate remove(const std::string& name);
  [[nodiscard]] Fate set_aside(const std::string& name);

  ipc::Connections& services_;
  const base::Clock& clock_;
  Setup setup_;
  bool is_scanning_ = false, is_wanted_ = false;

  // Of the pass that runs.
  std::deque<std::string> names_;
  std::size_t workers_ = 0, removed_ = 0;
  event::Notify worker_ended_;
};

}  // namespace pickup
