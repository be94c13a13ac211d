// tlsproxy: speaks TLS with clients of postscreen, which holds thousands of strangers in one process and has no key. It trusts who may
// connect to private/tlsproxy, and nothing that clients say; of mail it knows nothing. Keys are read before it gives up root, and it
// keeps no privilege. When it dies, the clients who have TLS with postscreen see a closed connection and come again; no mail passes
// through it.

#include "lib/server/service.h"
#include "services/tlsproxy/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "tlsproxy",
                         .kind = server::Kind::sessions,
                         // tlsmgr and proxymap are asked; a directory of authorities is read when it is needed.
                         .needs = {.connects_unix = true, .accepts = true, .reads_files = true},
                         .make = &tlsproxy::Service::make,
                     });
}
