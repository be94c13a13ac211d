#pragma once
// A table that is not to be asked: its file cannot be read, or it may not say what it is asked for here. Lookups fail, and
// say why, until a new process finds it otherwise; what does not need the table goes on.

#include <string>
#include <utility>

#include "lib/log/log.h"
#include "lib/maps/table.h"

namespace maps {

class UnavailableTable final : public Table {
 public:
  UnavailableTable(std::string name, base::Error error) : Table(std::move(name)), error_(std::move(error)) {}
  Result<Found> lookup(std::string_view) override {
    maillog::warning("{} is unavailable. {}", name(), error_.message());
    return base::Failure(error_);
  }
  Result<void> ready() override { return base::Failure(error_); }

 private:
  base::Error error_;
};

}  // namespace maps
