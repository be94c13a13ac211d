#pragma once
// What postconf prints of main.cf and master.cf.

#include "commands/postconf/known.h"
#include "commands/postconf/options.h"
#include "lib/base/error.h"

namespace postconf {

// The text for standard output, and what to say on standard error.
struct Answer {
  std::string output;
  std::vector<std::string> warnings;
};

[[nodiscard]] Result<Answer> show_parameters(const Options& options, const config::Main& main, const Known& known);

// -M, -F and -P; the services are in normal form.
[[nodiscard]] Result<Answer> show_services(const Options& options, const config::Main& main,
                                           std::span<const config::MasterLine> services);

}  // namespace postconf
