// tlsmgr: has what the processes of the suite share of TLS: the keys of session tickets, in memory, the sessions that clients
// may resume, in a table file, and the files for traces. It trusts the processes that may connect to private/tlsmgr: whoever has
// a key reads what its tickets are good for. Keeps no privilege after start, connects to nobody. When it dies, new keys are made:
// handshakes are made in full once more, and no mail is touched.

#include "lib/server/service.h"
#include "services/tlsmgr/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "tlsmgr",
                         .kind = server::Kind::requests,
                         .needs = {.reads_files = true},   // a cache may be in proxymap
                         .make = &tlsmgr::Service::make,
                         .stays = true,
                     });
}
