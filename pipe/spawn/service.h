#pragma once
// spawn(8) as a service: a command for each connection, which is its standard input, output and error.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lib/mailbox/worker_pool.h"
#include "lib/process/process.h"
#include "lib/server/service.h"

namespace spawn {

class Server : public server::Service {
 public:
  // Finds the user. An Error says what is wrong with the command line.
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);

  // Until the command has ended, or its time is over.
  void serve(server::Connection& connection) override;

 private:
  Server() = default;

  std::vector<std::string> arguments_, environment_;
  mailbox::Identity user_{};
  std::chrono::seconds time_limit_{};
};

}  // namespace spawn
