#pragma once
// What all deliveries of a local(8) process share: parameters in the form they are used, tables, workers, other services.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lib/base/recent.h"
#include "lib/delivery/recorder.h"
#include "lib/delivery/status_filter.h"
#include "lib/ipc/addresses.h"
#include "lib/ipc/connections.h"
#include "lib/mailbox/lock_method.h"
#include "lib/mailbox/worker_pool.h"
#include "lib/maps/table.h"
#include "lib/process/account.h"
#include "lib/store/quota_books.h"
#include "local/local_params.h"
#include "local/rights.h"

namespace local {

// How an item to deliver to came up; a value of allow_mail_to_commands and the like names them.
enum class Origin { direct, alias, forward, include };

// The words of allow_mail_to_commands, propagate_unmatched_extensions or prepend_delivered_header.
class Words {
 public:
  Words() = default;
  // An Error when a word is not among `known`.
  static Result<Words> parse(std::string_view parameter, std::string_view value, std::vector<std::string_view> known);
  [[nodiscard]] bool has(std::string_view word) const { return words_.contains(std::string(word)); }
  [[nodiscard]] bool has(Origin origin) const;

 private:
  std::unordered_set<std::string> words_;
};

// One table of alias_maps, and with whose rights its commands run.
struct AliasTable {
  std::string name;
  maps::Maps maps;
};

// Which other delivery agent recipients are passed on to: transport:nexthop, or empty.
struct Passing {
  std::string_view maps_parameter;
  maps::Maps maps;            // by user name; before `transport`
  std::string transport;
  [[nodiscard]] bool is_empty() const { return maps.empty() && transport.empty(); }
};

struct Agent {
  Agent(Params parameters, const base::Clock& the_clock) : params(std::move(parameters)), clock(&the_clock), accounts(the_clock) {}

  Params params;
  std::string config_directory;
  std::vector<AliasTable> alias_tables;
  maps::Maps mailbox_command_maps;
  Passing mailbox_passing, fallback_passing;
  store::QuotaRules quotas;
  Words allow_commands, allow_files, prepend, propagate;
  mailbox::LockMethods locks;
  mailbox::LockPatience patience;
  Rights default_rights;
  std::vector<std::string> exported_environment;
  std::unique_ptr<maps::Tables> tables;
  queue::FlushSites flush_sites;
  delivery::StatusFilter status_filter;

  ipc::Connections* services = nullptr;
  ipc::Addresses* addresses = nullptr;
  mailbox::WorkerPool* workers = nullptr;
  const base::Clock* clock;
  base::Recent<process::Account> accounts;  // the user database may be in the network
};

}  // namespace local
