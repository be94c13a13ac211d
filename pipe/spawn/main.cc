// spawn: runs a command for each connection, with the connection as its standard input, output and error. It reads nothing
// of what the two say to each other. Runs as root only so that the command can be started as the user of its command line
// (never root, never the mail system's owner), whom nothing else restricts. When it dies, commands go on without a time limit
// and nobody logs how they end; no mail passes here.

#include "lib/server/service.h"
#include "pipe/spawn/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "spawn",
                         .kind = server::Kind::sessions,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return spawn::Server::make(startup); },
                     });
}
