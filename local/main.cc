// local: delivers to the users of this machine: aliases, .forward, mailboxes, commands. Takes requests from the queue
// manager; reads queue files, aliases, and (by workers with the rights of their user) .forward files, none of which it
// trusts. Asks rewrite, bounce and cleanup. Runs as root only to become other users: in workers, which are forked by a
// small process of their own and talk to nobody but this one. What users' commands may do is not restricted. When it dies
// the queue manager sees it, and the mail stays in the queue: a recipient is marked done after his mail is on disk.

#include "lib/server/service.h"
#include "local/server.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "local",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .writes_queue = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return local::Server::make(startup); },
                     });
}
