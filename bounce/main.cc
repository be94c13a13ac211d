// bounce: keeps the logs of failed, deferred and traced recipients, as the services bounce, defer and trace, and writes
// the notices to senders and postmasters. Serves the programs of this suite, and takes no name of a file from them but a
// checked queue id; what peers said comes along in its requests and is made printable. Reads queue files, writes bounce/,
// defer/ and trace/, hands notices to cleanup. Keeps no privilege after start. When it dies, nothing has been promised
// that is not on disk: an agent without an answer defers, and a log is removed only after its notice is in the queue.

#include "bounce/server.h"
#include "lib/server/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "bounce",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .writes_queue = true},
                         .make = [](server::Startup& startup) { return bounce::Server::make(startup); },
                     });
}
