// postmulti(1): several instances on one host. Run by root; listing is anybody's. Reads main.cf of the primary instance and
// of those that it lists, runs postfix(1) and postconf(1) for them. Touches no mail: an instance whose queue holds some is not
// destroyed.

#include <cstdlib>

#include <sys/stat.h>

#include "commands/postmulti/instances.h"
#include "commands/postmulti/iterate.h"
#include "commands/postmulti/lifecycle.h"
#include "commands/postmulti/options.h"
#include "commands/postmulti/postmulti_params.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace {

Result<int> perform(const postmulti::Options& options, const config::Main& main, const postmulti::Params& params) {
  const std::vector<postmulti::Instance> instances = TRY(postmulti::read_instances());
  switch (options.mode) {
    case postmulti::Mode::list: return postmulti::list(options, instances);
    case postmulti::Mode::postfix: return postmulti::run_postfix(options, params, instances);
    case postmulti::Mode::command: return postmulti::run_command(options, params, instances);
    case postmulti::Mode::edit: break;
  }
  TRY(postmulti::edit(options, main, params, instances));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postmulti");
  ::umask(022);
  const auto main_cf = config::Main::read(std::string(config::default_directory));
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  config::open_log(*main_cf, "postmulti", config::LogUser::command);
  maillog::set_tag("postmulti");
  const auto options = postmulti::parse_options(argc, argv);
  if (!options) maillog::fatal("{}", options.error().message());
  const auto params = postmulti::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  const auto status = perform(*options, *main_cf, *params);
  if (!status) maillog::fatal("{}", status.error().message());
  return *status;
}
