// quota-status: tells smtpd whether a recipient's mailbox has room, by the policy protocol. It trusts the processes that may connect
// to private/quota-status with yes and no, and authd with who somebody is. It meets no network, and keeps root to become the owners of
// mailboxes, in processes that keep nothing but their rights. When it dies smtpd hears no answer and puts recipients off.

#include "lib/server/service.h"
#include "services/quota-status/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "quota-status",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true, .runs_commands = true},
                         .make = [](server::Startup& startup) { return quota_status::Service::make(startup); },
                     });
}
