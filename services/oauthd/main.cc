// oauthd: whose an OAuth token is. Asked by authd over a socket in private/; reads tokens, which anybody may have made up,
// and what the introspection server answers, and trusts neither before it is checked. It has read its keys and its own
// secret when it gives up root; then it may connect, and read the authorities of TLS. No password of a user comes here.
// When it dies, logins by token fail for a moment; no mail is touched.

#include "lib/server/service.h"
#include "services/oauthd/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "oauthd",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = &oauthd::Service::make,
                         .stays = true,
                     });
}
