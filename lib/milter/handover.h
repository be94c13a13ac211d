#pragma once
// A milter on its way from the program that has the session (smtpd) to the one that has the content (cleanup): the connection and
// all that has been agreed on it. The conversation is in lib/ipc/messages/cleanup.h.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/ipc/message.h"

namespace milter {

struct Handover {
  std::string name;
  int state = 0, default_action = 0, version = 0;
  std::int64_t actions = 0, steps = 0;
  std::chrono::seconds command_timeout{30}, content_timeout{300};
  int standing_kind = -1;              // of the verdict that stands for the session; -1: none
  std::string standing_reply;
  // Of Stage end_of_data and end_of_header, and the defaults as name, value, name, value.
  std::vector<std::string> end_of_data_macros, end_of_header_macros, macro_defaults;
  std::vector<Fd> connection;          // one, or none

  static constexpr auto fields =
      std::tuple{ipc::Field{"milter", &Handover::name},
                 ipc::Field{"state", &Handover::state},
                 ipc::Field{"default_action", &Handover::default_action},
                 ipc::Field{"version", &Handover::version},
                 ipc::Field{"actions", &Handover::actions},
                 ipc::Field{"steps", &Handover::steps},
                 ipc::Field{"command_timeout", &Handover::command_timeout},
                 ipc::Field{"content_timeout", &Handover::content_timeout},
                 ipc::Field{"standing_kind", &Handover::standing_kind},
                 ipc::Field{"standing_reply", &Handover::standing_reply},
                 ipc::Field{"end_of_data_macros", &Handover::end_of_data_macros},
                 ipc::Field{"end_of_header_macros", &Handover::end_of_header_macros},
                 ipc::Field{"macro_defaults", &Handover::macro_defaults},
                 ipc::Field{"connection", &Handover::connection}};
};

// The next may come: descriptors are kept one at a time.
struct HandoverTaken {
  bool ok = true;
  static constexpr auto fields = std::tuple{ipc::Field{"ok", &HandoverTaken::ok}};
};

}  // namespace milter
