// verify: knows whether mail for an address could be delivered, and finds it out by probes that cleanup puts into the queue.
// Asked by smtpd, told by delivery agents; trusts both with answers and nothing else. Opens its cache as mail_owner before
// root is given up, keeps no privilege after start. When it dies, clients whose addresses are asked about are told to come
// again; no mail is touched.

#include "lib/server/service.h"
#include "services/verify/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "verify",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true},
                         .make = &verify::Service::make,
                     });
}
