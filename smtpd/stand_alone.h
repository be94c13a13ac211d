#pragma once
// smtpd -S: SMTP on standard input and output, with the rights of whoever calls (sendmail -bs). The client is a user of this
// machine: nothing is asked about him, and his mail goes the way of all users' mail, through postdrop(1). Who wants to know what
// a client on this machine would hear calls as mail_owner: then all rules are those for the network.

namespace smtpd {

// Whether the command line asks for it.
[[nodiscard]] bool is_stand_alone(int argc, char** argv);

// One session. Returns the exit status.
[[nodiscard]] int run_stand_alone(int argc, char** argv);

}  // namespace smtpd
