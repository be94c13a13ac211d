#pragma once
// What the administrator has asked for and nobody does yet. It is told to him at start and by `postfix check`, each
// once; and where it protects, the program that should honour it refuses rather than doing less than was asked for:
// smtpd answers 4xx, smtp defers.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace config {

struct NotYet {
  std::string where;    // "/etc/postfix/main.cf, line 12"
  std::string name, value;
  std::string users;    // the programs that should honour it, separated by ", "
  bool protects = false;

  // One line for the log, place first.
  [[nodiscard]] std::string text() const;
  // Whether `program` ("smtpd") has to refuse.
  [[nodiscard]] bool refuses(std::string_view program) const;
};

// Of main.cf and the overrides that were read with it: what one program sees. Default values are not mentioned.
[[nodiscard]] std::vector<NotYet> not_yet(const Main& main);

// Of main.cf and the -o options of all services: for `postfix check` and master.
[[nodiscard]] std::vector<NotYet> not_yet(const Main& main, std::span<const MasterEntry> services);

// A line for each service whose program is not there, or not in this version: its requests fail for a while each.
[[nodiscard]] std::vector<std::string> not_installed(std::string_view daemon_directory,
                                                     std::span<const MasterEntry> services);

// What makes `program` refuse; empty when it may serve.
[[nodiscard]] std::vector<NotYet> refusals(const Main& main, std::string_view program);

}  // namespace config
