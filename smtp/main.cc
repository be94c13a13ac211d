// smtp: the SMTP client. Takes messages from qmgr, a queue file each as an open descriptor, and brings them to the servers
// of their next hop; believes qmgr, and nothing that name servers or SMTP servers say. Asks bounce, defer and trace; writes
// the done bytes of the queue file that it was given, opens no file after start, keeps no privilege. When it dies, what was
// being delivered is still in the queue, and the next try may deliver a message that a server had just taken once more.

#include "lib/server/service.h"
#include "smtp/agent.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "smtp",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},  // authorities (CApath)
                         .make = [](server::Startup& startup) { return smtp::Agent::make(startup, smtp::Protocol::smtp); },
                     });
}
