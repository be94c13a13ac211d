#pragma once
// smtp_tls_per_site, the table that came before smtp_tls_policy_maps: a word for a next hop, and one for a server's name.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/maps/table.h"
#include "smtp/destination.h"
#include "smtp/tls_level.h"

namespace smtp {

class PerSite {
 public:
  PerSite() = default;
  PerSite(maps::Maps table, std::string prefix) : table_(std::move(table)), prefix_(std::move(prefix)) {}

  [[nodiscard]] bool empty() const { return table_.empty(); }

  enum class Fault { unreadable, wrong };   // the table could not be asked, or says what nobody understands; both are logged
  // Where neither has an entry, or one that leaves the choice to main.cf: `general`.
  [[nodiscard]] std::expected<TlsLevel, Fault> level(const Destination& destination, std::string_view host, TlsLevel general) const;

 private:
  [[nodiscard]] std::expected<std::optional<TlsLevel>, Fault> find(const std::string& key, std::string_view kind) const;

  maps::Maps table_;
  std::string prefix_;
};

}  // namespace smtp
