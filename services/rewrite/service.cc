#include "services/rewrite/service.h"

#include "lib/config/interfaces.h"

namespace rewrite {

Result<std::unique_ptr<server::Service>> Rewrite::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::vector<std::string> own_addresses = TRY(config::own_addresses(startup.main));
  Answers answers = TRY(Answers::make(params, *tables, own_addresses));
  return std::unique_ptr<server::Service>(new Rewrite(std::move(tables), std::move(answers)));
}

void Rewrite::serve(server::Connection& connection) {
  server::serve_requests<ipc::AskAddress>(connection, [this](const ipc::AddressRequest& request) { return answers_.answer(request); });
}

}  // namespace rewrite
