// lmtp: the client of smtp(8) that speaks LMTP, to mailbox servers on this machine or another. Takes messages from qmgr, a
// queue file each as an open descriptor; believes qmgr, and nothing that a server says. Asks bounce, defer and trace; writes
// the done bytes of the queue file that it was given, opens no file after start, keeps no privilege. When it dies, what was
// being delivered is still in the queue, and the next try may deliver a message that a server had just taken once more.

#include "lib/server/service.h"
#include "smtp/agent.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "lmtp",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},  // authorities (CApath)
                         .make = [](server::Startup& startup) { return smtp::Agent::make(startup, smtp::Protocol::lmtp); },
                     });
}
