#pragma once
// What the daemon and a user's process say to each other: orders go down, notes come up.

#include <cstdint>
#include <string>

#include "lib/ipc/message.h"

namespace owner {

// A session to serve.
struct SessionOrder {
  std::uint64_t number = 0;       // in the daemon's books
  std::uint64_t log_number = 0;   // in the log, as in the front's lines
  std::string user, home, mail, quota, client, tag;
  bool is_encrypted = false;
  Fd connection, lifeline;
  static constexpr auto fields = std::tuple{
      ipc::Field{"number", &SessionOrder::number}, ipc::Field{"log_number", &SessionOrder::log_number}, ipc::Field{"user", &SessionOrder::user},
      ipc::Field{"home", &SessionOrder::home},     ipc::Field{"mail", &SessionOrder::mail}, ipc::Field{"quota", &SessionOrder::quota},
      ipc::Field{"client", &SessionOrder::client}, ipc::Field{"tag", &SessionOrder::tag},
      ipc::Field{"encrypted", &SessionOrder::is_encrypted}, ipc::Field{"connection", &SessionOrder::connection},
      ipc::Field{"lifeline", &SessionOrder::lifeline}};
};

// A session has ended.
struct SessionNote {
  std::uint64_t number = 0;
  static constexpr auto fields = std::tuple{ipc::Field{"number", &SessionNote::number}};
};

}  // namespace owner
