#pragma once
// The command line of a pipe(8) or spawn(8) service in master.cf: "user=nobody flags=R argv=/usr/bin/prog $recipient".

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/mailbox/worker_pool.h"

namespace pipe_agent {

// flags=
struct Flags {
  bool empty_line_at_end = false;  // B
  bool delivered_to = false;       // D
  bool from_line = false;          // F
  bool original_to = false;        // O
  bool return_path = false;        // R
  bool is_final = false;           // X: the command delivers for good
  bool folds_domain = false;       // h
  bool quotes_address = false;     // q
  bool folds_local = false;        // u
  bool doubles_dots = false;       // .
  bool quotes_from = false;        // >
};

struct Attributes {
  std::string user, group;                     // user=user:group
  std::string chroot, directory;               // empty: none, the queue directory
  Flags flags;
  std::string line_end = "\n";                 // eol=
  std::string null_sender = "MAILER-DAEMON";   // what stands for it
  long size_limit = 0;                         // size=; 0: none
  std::vector<std::string> arguments;          // argv= and all that follows
};

// The Error is a line for the log.
[[nodiscard]] Result<Attributes> parse_attributes(std::span<const std::string> words);

// What spawn(8) understands of them: user= and argv=.
[[nodiscard]] Result<Attributes> parse_spawn_attributes(std::span<const std::string> words);

// The mail system's own accounts, which no command gets.
struct OwnAccounts {
  std::string mail_owner, setgid_group;
};
// The account of user=. Blocking: for start-up. The Error names what is refused.
[[nodiscard]] Result<mailbox::Identity> find_identity(const Attributes& attributes, const OwnAccounts& own);
// As find_identity, in spawn(8)'s words; setgid_group may be had.
[[nodiscard]] Result<mailbox::Identity> find_spawn_identity(const Attributes& attributes, const std::string& mail_owner);

}  // namespace pipe_agent
