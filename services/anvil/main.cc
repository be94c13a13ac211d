// anvil: counts sessions and rates of clients, in memory, for smtpd, imapd, pop3d and their owners. It trusts the processes that may connect to
// private/anvil, opens no file and no network connection, and keeps no privilege. When it dies, its counts are gone:
// clients are limited as if they had just come, and no mail is touched.

#include "lib/server/service.h"
#include "services/anvil/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "anvil",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = false},
                         .make = [](server::Startup& startup) -> Result<std::unique_ptr<server::Service>> {
                           return std::make_unique<anvil::Service>(TRY(anvil::Params::load(startup.main)), startup.clock);
                         },
                         .stays = true,
                     });
}
