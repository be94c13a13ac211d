// cleanup: the only door into the queue. Reads messages as records from smtpd, pickup, local and bounce, and trusts none
// of them to send what it should. Asks rewrite, proxymap and bounce; writes incoming/ and hold/. Keeps no privilege after
// start. When it dies, its clients see a closed connection and refuse the message with 4xx or try it again: a message is
// acknowledged only when file and directory are on disk, and an unfinished file is removed by the queue manager.

#include "cleanup/server.h"
#include "lib/server/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "cleanup",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true, .writes_queue = true},
                         .make = [](server::Startup& startup) { return cleanup::Server::make(startup); },
                     });
}
