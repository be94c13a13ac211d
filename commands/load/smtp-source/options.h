#pragma once
// smtp-source's command line.

#include <optional>
#include <string>

#include "commands/load/target.h"
#include "commands/load/work.h"

namespace smtp_source {

enum class Protocol { smtp, lmtp };

struct Options {
  load::Families families = load::Families::any;
  load::Pace pace;
  load::Window window;
  Protocol protocol = Protocol::smtp;
  bool bare = false;              // no greeting, no headers
  bool keep_connection = false;
  bool go_on_after_refusal = false;
  bool verbose = false;
  bool number_recipients = false;
  int recipients = 1;
  std::string host_name, sender, recipient, subject;
  std::optional<int> length;      // of the body
  std::optional<std::string> file;
  std::string target;
};

// Ends the program when there is something wrong.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace smtp_source
