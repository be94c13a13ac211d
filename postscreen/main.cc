// postscreen: stands before smtpd and lets only those through who behave like mail clients: it has everybody wait, asks DNS lists, and
// talks to newcomers itself. It reads the network and trusts nobody; it asks dnsblog, and hands connections to smtpd. It keeps no
// privilege after its start: the tables are open by then. When it dies, the clients that it was testing see a closed connection and
// come again; no mail passes through it.

#include "lib/server/service.h"
#include "postscreen/screen.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "postscreen",
                         .kind = server::Kind::held,
                         // Tables may be a server's (memcache, tcp), or files that are read again.
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = [](server::Startup& startup) { return postscreen::Screen::make(startup); },
                     });
}
