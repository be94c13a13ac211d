#pragma once
// The command line of sendmail(1), mailq(1) and newaliases(1): what is asked for. Options of the original Sendmail that
// mean nothing here are accepted and forgotten, since scripts have used them for forty years.

#include <optional>
#include <string>
#include <vector>

#include "lib/base/error.h"

namespace sendmail {

enum class Mode {
  deliver,       // -bm: hand in the message on standard input
  verify,        // -bv: ask whether the recipients are deliverable; the answer comes by mail
  list_queue,    // -bp, mailq
  init_aliases,  // -bi, -I, newaliases
  daemon,        // -bd, -bl: start the mail system
  dialogue,      // -bs: SMTP on standard input
  flush,         // -q: all mail
  flush_site,    // -qR
  flush_message, // -qI
  nothing,       // -bh, -bH, -q15m: accepted, without effect
};

// Modes in which mail is handed in, as authorized_submit_users allows.
[[nodiscard]] constexpr bool submits(Mode mode) {
  return mode == Mode::deliver || mode == Mode::verify || mode == Mode::dialogue;
}

struct Options {
  std::string program;                          // the name by which it was called
  Mode mode = Mode::deliver;
  std::optional<std::string> config_directory;  // -C
  bool extract_recipients = false;  // -t
  bool ignore_dots = false;         // -i: a line with a dot is text
  bool is_gateway = false;          // -G: the message comes from elsewhere; its header is not completed
  bool report = false;              // -v: tell the sender by mail what happens
  std::optional<std::string> sender;     // -f, -r, as given
  std::optional<std::string> full_name;  // -F
  int notify = 0;                   // -N: mail::notify
  int ret = 0;                      // -R: mail::ret
  std::string envelope_id;          // -V
  std::optional<std::string> verp;  // -XV: delimiters, "" for the default ones
  bool requires_tls = false;        // -O requiretls=yes
  bool needs_smtputf8 = false;      // -O smtputf8=yes
  std::string encoding;             // -B: "7bit", "8bit"
  std::string alias_file;           // -oA
  std::string flush_site, flush_message;  // -qR, -qI
  bool has_queue_interval = false;  // -q15m: what a daemon is told; without one there is nothing to do
  std::vector<std::string> recipients;   // as given, or what other modes must not have
  std::vector<std::string> warnings;

  // What main.cf does not allow is not asked for, and warned of.
  void respect(bool has_require_tls, bool has_smtputf8);
};

// The error's message is the "fatal:" line. Complaints about unknown options go to standard error by getopt(3), as with
// Postfix.
[[nodiscard]] Result<Options> parse_options(int argc, char** argv);

}  // namespace sendmail
