// pop3d-owner: the POP3 server after the login. It meets no network: fronts hand it clients with a ticket of authd's, which it
// redeems. It keeps root to become the owners of mailboxes, in processes that keep nothing but their rights. When it dies the
// sessions end; nothing is deleted without QUIT.

#include "lib/owner/service.h"
#include "lib/server/service.h"
#include "pop3d/session.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "pop3d-owner",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return pop3d::make_owner(startup); },
                     });
}
