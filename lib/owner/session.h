#pragma once
// A session as a protocol gets it, in the process of the user.

#include <functional>
#include <string>

#include "lib/io/stream.h"

namespace owner {

// Whose mailbox it is.
struct User {
  std::string name;   // as he logged in, in authd's form
  std::string home;   // may be empty
  std::string mail;   // mail_location, or the user's own where authd has one
  std::string quota;  // as Settings::quota_of says it; empty: nothing is said
};

struct Session {
  io::Stream stream;           // to the client, by way of the front
  User user;
  unsigned long number = 0;    // the front's, in log lines
  std::string client;          // "name[address]"
  bool is_encrypted = false;
  std::string tag;             // of the command that logged in
};

// Serves one session to its end, in a fiber; others of the same uid run beside it.
using Serve = std::function<void(Session& session)>;

}  // namespace owner
