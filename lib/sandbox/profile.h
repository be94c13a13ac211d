#pragma once
// What a program needs from the system once it serves (CONFINEMENT table): everything else is taken away with Landlock
// and seccomp, where the kernel has them. Nothing is needed by default but memory, time and open descriptors.

namespace sandbox {

struct Profile {
  bool connects_unix = true;      // asks other services
  bool connects_inet = false;     // DNS, next hops, policy servers
  bool accepts = true;
  bool reads_files = false;       // opens files to read, anywhere its uid and chroot allow
  bool writes_queue = false;      // creates, renames and removes files below the queue directory
  bool writes_files = false;      // and anywhere: a user's process, which has the user's rights only
  bool runs_commands = false;     // execs others' programs or becomes users: exempt from no_new_privs, seccomp, Landlock
};

}  // namespace sandbox
