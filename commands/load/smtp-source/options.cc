#include "commands/load/smtp-source/options.h"

#include <unistd.h>

#include "commands/load/arguments.h"
#include "lib/log/log.h"

namespace smtp_source {
namespace {

constexpr std::string_view usage =
    "usage: smtp-source -cdLNov -s sess -l msglen -m msgs -C count -M myhostname -f from -t to -r rcptcount -R delay -w delay "
    "host[:port]";
constexpr int window_limit = 65535;

bool take_switch(int option, Options& options) {
  switch (option) {
    case '4': options.families = load::Families::ipv4; return true;
    case '6': options.families = load::Families::ipv6; return true;
    case 'A': options.go_on_after_refusal = true; return true;
    case 'c': options.pace.show_count = true; return true;
    case 'd': options.keep_connection = true; return true;
    case 'L': options.protocol = Protocol::lmtp; return true;
    case 'N': options.number_recipients = true; return true;
    case 'o': options.bare = true; return true;
    case 'v': options.verbose = true; return true;
    default: return false;
  }
}

void take_value(int option, Options& options) {
  const std::string value = optarg != nullptr ? optarg : "";
  switch (option) {
    case 'C': options.pace.connect_attempts = load::number(value, "connection count"); break;
    case 'f': options.sender = value; break;
    case 'F': options.file = value; break;
    case 'l': options.length = load::number(value, "message length"); break;
    case 'm': options.pace.messages = load::number(value, "message count"); break;
    case 'M': options.host_name = value; break;
    case 'r':
      options.recipients = load::number(value, "recipient count");
      options.number_recipients = true;
      break;
    case 'R': options.pace.random_delay = load::seconds(value, "random delay", 1); break;
    case 's': options.pace.sessions = load::number(value, "session count"); break;
    case 'S': options.subject = value; break;
    case 't': options.recipient = value; break;
    case 'T':
      options.window = load::number(value, "TCP window size");
      if (*options.window > window_limit) maillog::fatal("bad TCP window size: {}", value);
      break;
    case 'w': options.pace.fixed_delay = load::seconds(value, "fixed delay", 1); break;
    default: maillog::fatal("{}", usage);
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "46AcC:df:F:l:Lm:M:Nor:R:s:S:t:T:vw:")) != -1;) {
    if (!take_switch(option, options)) take_value(option, options);
  }
  if (argc - optind != 1) maillog::fatal("{}", usage);
  options.target = argv[optind];
  if (options.pace.fixed_delay.count() > 0 && options.pace.random_delay.count() > 0) {
    maillog::fatal("do not use -w and -R options at the same time");
  }
  if (options.file && options.length) maillog::fatal("-l option cannot be used with -F");
  if (options.host_name.empty()) options.host_name = load::host_name();
  if (options.sender.empty()) options.sender = "foo@" + options.host_name;
  if (options.recipient.empty()) options.recipient = "foo@" + options.host_name;
  return options;
}

}  // namespace smtp_source
