#pragma once
// All services together: start, reload, end.

#include <memory>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "master/service.h"

namespace master {

class Supervisor {
 public:
  explicit Supervisor(std::string config_directory) : config_directory_(std::move(config_directory)) {}

  // Reads the configuration, opens every socket and starts to serve.
  [[nodiscard]] Result<void> start();

  // Runs until a signal says to end. Never returns before the children have ended.
  void run();

 private:
  [[nodiscard]] Result<void> read_configuration(std::vector<config::MasterEntry>& entries);
  [[nodiscard]] Result<void> apply(std::vector<config::MasterEntry> entries);
  void reload();
  void reap();
  void terminate();
  void go_on_terminating();

  std::string config_directory_;
  Surroundings surroundings_;
  std::vector<std::unique_ptr<Service>> services_;
  std::vector<std::unique_ptr<Service>> leaving_;  // not in master.cf any more; serve their last clients
  std::vector<std::unique_ptr<event::Loop::Watch>> signals_;
  std::unique_ptr<event::Loop::Watch> kill_timer_;
  bool terminating_ = false;
};

}  // namespace master
