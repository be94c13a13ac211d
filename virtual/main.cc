// virtual: delivers to mailboxes of hosted domains. Takes requests from the queue manager; reads queue files and the
// tables that say where a recipient's mailbox is and with which uid and gid it is written. It trusts the tables for
// existing users above virtual_minimum_uid and below virtual_mailbox_base only. Asks bounce. Runs as root only to become
// those users: in workers, which are forked by a small process of their own. When it dies the queue manager sees it, and
// the mail stays in the queue: a recipient is marked done after his mail is on disk.

#include "lib/server/service.h"
#include "virtual/server.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "virtual",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .writes_queue = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return virtual_agent::Server::make(startup); },
                     });
}
