// pipe: delivers to a command that master.cf names. Takes requests from the queue manager and reads queue files, both of
// which speak of addresses that anybody may have chosen: they reach the command as arguments, never a shell. Asks bounce.
// Runs as root only to become the user of its command line (never root, never the mail system's own): in workers, which are
// forked by a small process of their own. What the command may do is not restricted. When it dies the queue manager sees it,
// and the mail stays in the queue: a recipient is marked done after the command has ended well.

#include "lib/server/service.h"
#include "pipe/server.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "pipe",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .writes_queue = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return pipe_agent::Server::make(startup); },
                     });
}
