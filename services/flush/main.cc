// flush: lists the mail that waits for each site of fast_flush_domains, so that ETRN, postqueue -s and sendmail -qR need not
// look through the queue. Asked by delivery agents, smtpd and postqueue; believes nobody: a request can make mail be tried,
// and no more. Writes flush/, asks qmgr to try, reads no message. Keeps no privilege after start. When it dies, requests
// fail and mail is tried in its turn.

#include "lib/server/service.h"
#include "services/flush/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "flush",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true, .writes_queue = true},
                         .make = &flush::Service::make,
                     });
}
