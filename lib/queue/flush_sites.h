#pragma once
// The sites whose waiting mail flush(8) lists (fast_flush_domains), and the client of flush(8). What is for other sites
// is never asked for.

#include <memory>
#include <string>
#include <string_view>

#include "lib/config/main_cf.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/flush.h"
#include "lib/maps/table.h"

namespace queue {

class FlushSites {
 public:
  FlushSites() = default;
  // `params` has the three parameters that this depends on; `services` (null: none) are for tables of type proxy. A table
  // that cannot be used is an Error of has(), not of this.
  template <class Params>
  static Result<FlushSites> open(const config::Main& main, const Params& params, ipc::Connections* services) {
    maps::Tables::Options options = TRY(maps::Tables::Options::of(main));
    options.config_directory = main.directory();
    options.services = services;
    return open(std::move(options), params.fast_flush_domains, params.parent_domain_matches_subdomains, params.flush_service_name);
  }

  // An Error is one line for the log: a table that cannot be read.
  [[nodiscard]] Result<bool> has(std::string_view site) const;

  // "public/flush", below the queue directory.
  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] Result<ipc::FlushStatus> ask(ipc::Connections& services, const ipc::FlushRequest& request) const;

 private:
  static Result<FlushSites> open(maps::Tables::Options options, std::string_view domains, std::string_view parents_match,
                                 std::string_view service);

  std::unique_ptr<maps::Tables> tables_;
  maps::MatchList domains_;
  std::string socket_;
};

}  // namespace queue
