#pragma once
// Opens tables once and reads or changes them for programs that cannot or should not.

#include <map>
#include <memory>
#include <string>

#include "lib/ipc/messages/proxymap.h"
#include "lib/maps/table.h"
#include "lib/server/service.h"
#include "services/proxymap/access.h"

namespace proxymap {

enum class Access { read, write };

// The answers, apart from the connection they come over.
class Answers {
 public:
  Answers(Access access, ApprovedTables approved, std::unique_ptr<maps::Tables> tables)
      : access_(access), approved_(std::move(approved)), tables_(std::move(tables)) {}
  [[nodiscard]] ipc::TableAnswer answer(const ipc::TableRequest& request);

 private:
  [[nodiscard]] Result<std::shared_ptr<maps::Table>> table_of(const ipc::TableRequest& request);
  [[nodiscard]] ipc::TableAnswer lookup(maps::Table& table, const ipc::TableRequest& request);
  [[nodiscard]] ipc::TableAnswer walk(maps::Table& table, const ipc::TableRequest& request);
  [[nodiscard]] ipc::TableAnswer change(maps::Table& table, const ipc::TableRequest& request);
  [[nodiscard]] bool is_approved(const std::string& table) const;

  Access access_;
  ApprovedTables approved_;
  std::unique_ptr<maps::Tables> tables_;
  std::map<std::string, std::shared_ptr<maps::Table>> open_;  // by name and flags; stays open
};

class Proxymap final : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup);
  void serve(server::Connection& connection) override;

 private:
  explicit Proxymap(Answers answers) : answers_(std::move(answers)) {}
  Answers answers_;
};

}  // namespace proxymap
