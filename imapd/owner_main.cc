// imapd-owner: the IMAP server after the login. It meets no network: fronts hand it clients with a ticket of authd's, which it
// redeems. It keeps root to become the owners of mailboxes, in processes that keep nothing but their rights. When it dies the
// sessions end; what was answered with OK is on disk.

#include "imapd/owner.h"
#include "lib/server/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "imapd-owner",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return imapd::make_owner(startup); },
                     });
}
