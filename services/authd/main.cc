// authd: who may log in. Asked by smtpd, and by whoever speaks the protocol of Dovecot's authentication service, over
// private/auth; believes them who the client is and where from, and nobody without a password or a certificate. Reads where
// passwords are kept, and stays root only for that (master.cf says so); confined: it writes nothing, becomes nobody, starts
// nothing. When it dies, logins fail for a moment and failures are forgotten; no mail is touched.

#include "lib/server/service.h"
#include "services/authd/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "authd",
                         .kind = server::Kind::requests,
                         // PAM's modules and tables may ask servers.
                         .needs = {.connects_unix = true, .connects_inet = true, .accepts = true, .reads_files = true},
                         .make = &authd::Service::make,
                         .stays = true,
                     });
}
