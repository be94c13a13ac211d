// postmap and postalias: build an index, or ask a table, as the options say.

#include <fmt/core.h>

#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/ipc/connections.h"
#include "lib/log/log.h"
#include "lib/maps/table.h"
#include "postmap/build.h"
#include "postmap/job.h"
#include "postmap/options.h"
#include "postmap/postmap_params.h"
#include "postmap/query.h"

namespace postmap {
namespace {

Result<int> run_command(const Dialect& dialect, const Options& options) {
  const config::Main main = TRY(config::Main::read(options.config_directory));
  const Params params = TRY(Params::load(main));
  config::open_log(main, dialect.name, config::LogUser::command);
  ipc::Connections services;
  maps::Tables::Options table_options = TRY(maps::Tables::Options::of(main));  // relative names are the caller's
  table_options.proxymap_socket.insert(0, params.queue_directory + "/");
  table_options.proxywrite_socket.insert(0, params.queue_directory + "/");
  table_options.services = &services;
  maps::Tables tables(std::move(table_options));
  const Job job{dialect, options, params, tables, options.utf8 && params.smtputf8_enable};
  switch (options.action) {
    case Action::build:
    case Action::add: return build(job);
    case Action::query: return query(job);
    case Action::erase: return erase(job);
    case Action::list: return list(job);
  }
  return 1;
}

}  // namespace

int run(const Dialect& dialect, int argc, char** argv) {
  maillog::set_tag(fmt::format("postfix/{}", dialect.name));
  const Result<Options> options = parse_options(dialect, argc, argv);
  if (!options) maillog::fatal("{}", options.error().message());
  const Result<int> status = run_command(dialect, *options);
  if (!status) maillog::fatal("{}", status.error().message());
  return *status;
}

}  // namespace postmap
