#pragma once
// The commands of postscreen's own SMTP.

#include <string_view>

#include "lib/smtp/own_reply.h"

namespace postscreen {

class Engine;

using Handler = smtp::Reply (*)(Engine&, std::string_view rest);

// Where TLS is demanded.
enum class Needs { nothing, tls };

struct CommandRow {
  std::string_view verb;
  Handler handler;
  Needs needs;
};

// Null for what is no command.
[[nodiscard]] const CommandRow* find_command(std::string_view verb);

}  // namespace postscreen
