#include "services/proxymap/service.h"

#include <filesystem>

#include "services/proxymap/proxymap_params.h"

namespace proxymap {
namespace {

// Where tables that are files are changed: beside each of them, and in data_directory, where the backups of others are.
void declare_directories(server::Startup& startup, const Params& params, const ApprovedTables& approved) {
  startup.write_below(params.data_directory);
  for (const std::string& name : approved.names()) {
    const std::filesystem::path file = name.substr(name.find(':') + 1);
    if (file.is_absolute()) startup.write_below(file.parent_path());
  }
}

}  // namespace

Result<std::unique_ptr<server::Service>> Proxymap::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  // One program, two services of master.cf: the name decides which.
  const Access access = startup.service == params.proxywrite_service_name ? Access::write : Access::read;
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  ApprovedTables approved = ApprovedTables::parse(access == Access::write ? params.proxy_write_maps : params.proxy_read_maps);
  if (access == Access::write) declare_directories(startup, params, approved);
  // Tables are opened when they are asked for; what their types have to load cannot be loaded any more then.
  for (const std::string& name : approved.names()) static_cast<void>(tables->knows(name.substr(0, name.find(':'))));
  return std::unique_ptr<server::Service>(new Proxymap(Answers(access, std::move(approved), std::move(tables))));
}

void Proxymap::serve(server::Connection& connection) {
  server::serve_requests<ipc::AskTable>(connection, [this](const ipc::TableRequest& request) { return answers_.answer(request); });
}

}  // namespace proxymap
