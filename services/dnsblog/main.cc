// dnsblog: asks DNS lists about clients, for postscreen. It trusts the processes that may connect to private/dnsblog, and nothing
// that comes from the network: of an answer only addresses are taken. It opens no file once it serves, and keeps no privilege. When
// it dies, the questions that were under way count as not answered: those clients are taken for not listed.

#include "lib/server/service.h"
#include "services/dnsblog/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "dnsblog",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = false, .connects_inet = true},
                         .make = [](server::Startup& startup) { return dnsblog::Service::make(startup); },
                     });
}
