#pragma once
// smtp-sink's command line.

#include <optional>
#include <string>

#include "commands/load/smtp-sink/commands.h"
#include "commands/load/target.h"

namespace smtp_sink {

enum class Dumping { no, one_file_each, one_file };

struct Options {
  load::Families families = load::Families::any;
  load::Window window;
  bool lmtp = false;
  bool esmtp = true;
  bool pix = false;               // the greeting of a firewall that hides it
  bool pipelining = true, eight_bit = true, auth = true, enhanced_codes = true, dsn = true, xclient = true, xforward = true;
  std::string host_name = "smtp-sink";
  std::string soft_reply = "450 4.3.0 Error: command failed";
  std::string hard_reply = "500 5.3.0 Error: command failed";
  Treatments treatments;
  std::optional<std::chrono::seconds> abort_delay;    // behind DATA, then 550 and the end
  std::chrono::seconds read_delay{0};                 // behind DATA
  std::chrono::seconds time_limit{100};
  Dumping dumping = Dumping::no;
  std::string dump_template, dump_start;
  int clients = 256;
  int messages = 0, sessions = 0;                     // after which to end; 0: never
  bool show_counts = false;
  bool verbose = false;
  std::string user, root;
  std::string target;
  int backlog = 0;
};

// Ends the program when there is something wrong.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace smtp_sink
