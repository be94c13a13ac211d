// smtpd: the SMTP server. It reads the network and trusts nobody; it asks rewrite, proxymap and anvil, hands the message
// to cleanup, and answers 250 only after cleanup has said that the message is on disk. It keeps no privilege after its
// start: the tables are open by then. When it dies, clients see a closed connection and send again; nothing that was
// acknowledged is lost, and what was not is gone from the queue, since cleanup drops a message whose sender goes away.
// Started as smtpd -S by an ordinary user it has no more rights than he (stand_alone.h).

#include "lib/server/service.h"
#include "smtpd/server.h"
#include "smtpd/stand_alone.h"

int main(int argc, char** argv) {
  if (smtpd::is_stand_alone(argc, argv)) return smtpd::run_stand_alone(argc, argv);
  return server::run(argc, argv,
                     {
                         .name = "smtpd",
                         .kind = server::Kind::sessions,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = [](server::Startup& startup) { return smtpd::Server::make(startup); },
                     });
}
