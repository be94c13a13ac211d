// scache: is there for the master.cf of Postfix, where processes of smtp(8) leave connections to one another. Here each keeps its
// own, and nobody asks. It trusts nobody, opens nothing and keeps no privilege; when it dies, nothing is lost.

#include "services/unasked/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "scache",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = false},
                         .make = &unasked::Service::make,
                     });
}
