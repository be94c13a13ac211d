// qmqpd: the QMQP server. It reads the network, from hosts that qmqpd_authorized_clients names; it hands the message to
// cleanup, and answers K only after cleanup has said that the message is on disk. It keeps no privilege after its start: the
// tables are open by then. When it dies, clients see a closed connection and send again; cleanup drops a message whose
// sender goes away.

#include "lib/server/service.h"
#include "qmqpd/server.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "qmqpd",
                         .kind = server::Kind::sessions,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = [](server::Startup& startup) { return qmqpd::Server::make(startup); },
                     });
}
