#pragma once
// A service that no program of the suite asks.

#include <memory>
#include <string>

#include "lib/log/log.h"
#include "lib/server/service.h"

namespace unasked {

class Service final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup) { return std::make_unique<Service>(startup.service); }
  explicit Service(std::string name) : name_(std::move(name)) {}

  void serve(server::Connection&) override { maillog::warning("no program asks the service {}: connection closed", name_); }

 private:
  std::string name_;
};

}  // namespace unasked
