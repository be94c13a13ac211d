// pickup: moves messages from maildrop/ to cleanup. Trusts a file for nothing but its owner: what a user may say is
// filtered as in postdrop(1); only the mail owner's files (postsuper -r) may say more. Reads maildrop/, removes from it,
// and sets malformed files aside in corrupt/. Keeps no privilege after start. When it dies, messages stay where they are
// and are picked up later: a file is removed only after cleanup has its message on disk.

#include "lib/server/service.h"
#include "submit/pickup/server.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "pickup",
                         .kind = server::Kind::triggers,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .writes_queue = true},
                         .make = [](server::Startup& startup) { return pickup::Server::make(startup); },
                     });
}
