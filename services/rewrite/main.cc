// trivial-rewrite(8): puts addresses into canonical form and says where mail for them goes. Asked by smtpd, cleanup,
// qmgr and others over private/rewrite; what they send is addresses that anybody on the network may have written, so it
// trusts none of it. Reads main.cf and lookup tables, which it opens before the chroot; keeps no privilege after that,
// writes nothing, touches no mail. When it dies, askers get a new connection to its successor and ask again.

#include "lib/server/service.h"
#include "services/rewrite/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "trivial-rewrite",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .reads_files = true},
                         .make = &rewrite::Rewrite::make,
                     });
}
