// qmgr: the scheduler. Reads the envelopes of queue files, asks rewrite where they go, delivery agents to deliver, bounce
// to send notices. Trusts the queue directory's files as far as they parse, and triggers not at all: they can only make
// it look. Keeps the uid of the mail owner and the queue directory. When it dies nothing is lost: the next one finds the
// active queue and goes on; what an agent was delivering just then may be delivered twice.

#include "lib/server/service.h"
#include "qmgr/manager.h"

int main(int argc, char** argv) {
  return server::run(argc, argv, {.name = "qmgr",
                                  .kind = server::Kind::requests,
                                  .needs = {.reads_files = true, .writes_queue = true},
                                  .make = &qmgr::Manager::make,
                                  .stays = true});
}
