#include "commands/load/smtp-sink/options.h"

#include <functional>
#include <vector>

#include <unistd.h>

#include "commands/load/arguments.h"
#include "lib/base/ascii.h"
#include "lib/base/c_escapes.h"
#include "lib/log/log.h"
#include "lib/smtp/reply.h"

namespace smtp_sink {
namespace {

constexpr std::string_view usage =
    "usage: smtp-sink [-468acCeEFLpPv] [-A abort_delay] [-b soft_bounce_reply] [-B hard_bounce_reply] [-d dump-template] "
    "[-D dump-template] [-f commands] [-h hostname] [-m max_concurrency] [-M message_quit_count] [-n quit_count] [-q commands] "
    "[-r commands] [-R root-dir] [-s commands] [-S start-string] [-u user_privs] [-w delay] [host]:port backlog";
constexpr int window_limit = 65535;
constexpr int odds_limit = 99;

[[noreturn]] void bad_usage() { maillog::fatal("{}", usage); }

std::chrono::seconds delay_or_usage(std::string_view text) {
  const auto value = ascii::parse_number(text, INT32_MAX);
  if (!value) bad_usage();
  return std::chrono::seconds(*value);
}

Verb verb_of(std::string_view name) {
  const auto verb = find_verb(name);
  if (!verb) maillog::fatal("unknown command: {}", name);
  return *verb;
}

void for_commands(Options& options, std::string_view list, bool Treatment::*what) {
  for (const std::string_view name : ascii::split(list, ", \t\r\n")) options.treatments.at(verb_of(name)).*what = true;
}

// "command:delay[:odds]".
void set_delay(Options& options, std::string_view text) {
  const auto parts = ascii::split(text, ":");
  if (parts.size() < 2 || parts.size() > 3) maillog::fatal("invalid command delay argument: {}", text);
  const std::string name(parts[0]);
  const auto delay = ascii::parse_number(parts[1], INT32_MAX);
  const auto odds = parts.size() == 3 ? ascii::parse_number(parts[2]) : 0;
  if (!delay || !odds) maillog::fatal("invalid command delay argument: {}", text);
  if (*odds > odds_limit) maillog::fatal("delay odds for '{}' out of range", name);
  Treatment& treatment = options.treatments.at(verb_of(name));
  treatment.delay = std::chrono::seconds(*delay);
  treatment.delay_odds = static_cast<int>(*odds);
}

std::string checked_reply(const std::string& text, int code_class, std::string_view what) {
  const auto line = smtp::parse_reply_line(text);
  if (line && line->code / 100 == code_class && !line->has_more) return text;
  maillog::error("bad {} error reply: {}", what, text);
  bad_usage();
}

bool take_switch(int option, Options& options) {
  switch (option) {
    case '4': options.families = load::Families::ipv4; return true;
    case '6': options.families = load::Families::ipv6; return true;
    case '8': options.eight_bit = false; return true;
    case 'a': options.auth = false; return true;
    case 'c': options.show_counts = true; return true;
    case 'C': options.xclient = false; return true;
    case 'e': options.esmtp = false; return true;
    case 'E': options.enhanced_codes = false; return true;
    case 'F': options.xforward = false; return true;
    case 'L': options.lmtp = true; return true;
    case 'N': options.dsn = false; return true;
    case 'p': options.pipelining = false; return true;
    case 'P':
      options.pix = true;
      options.esmtp = false;
      return true;
    case 'v': options.verbose = true; return true;
    default: return false;
  }
}

void take_dump(Options& options, Dumping dumping, const std::string& value) {
  if (options.dumping != Dumping::no && options.dumping != dumping) maillog::fatal("use only one of -d or -D, but not both");
  options.dumping = dumping;
  options.dump_template = value;
}

// Commands that are refused, logged and so on.
bool take_commands(int option, Options& options, const std::string& value) {
  switch (option) {
    case 'f':
      for_commands(options, value, &Treatment::refuse_hard);
      options.pipelining = false;
      return true;
    case 'r':
      for_commands(options, value, &Treatment::refuse_soft);
      options.pipelining = false;
      return true;
    case 'q': for_commands(options, value, &Treatment::close); return true;
    case 'Q': for_commands(options, value, &Treatment::close_with_421); return true;
    case 's': for_commands(options, value, &Treatment::log); return true;
    case 'w': options.treatments.at(Verb::data).delay = delay_or_usage(value); return true;
    case 'W': set_delay(options, value); return true;
    default: return false;
  }
}

void take_value(int option, Options& options) {
  const std::string value = optarg != nullptr ? optarg : "";
  if (take_commands(option, options, value)) return;
  switch (option) {
    case 'A': options.abort_delay = delay_or_usage(value); break;
    case 'b': options.soft_reply = checked_reply(value, 4, "soft"); break;
    case 'B': options.hard_reply = checked_reply(value, 5, "hard"); break;
    case 'd': take_dump(options, Dumping::one_file_each, value); break;
    case 'D': take_dump(options, Dumping::one_file, value); break;
    case 'h': options.host_name = value; break;
    case 'H': options.read_delay = delay_or_usage(value); break;
    case 'm': options.clients = load::number(value, "concurrency limit"); break;
    case 'M': options.messages = load::number(value, "message count"); break;
    case 'n': options.sessions = load::number(value, "session count"); break;
    case 'R': options.root = value; break;
    case 'S': options.dump_start = base::unescape_c(value); break;
    case 't': options.time_limit = load::seconds(value, "timeout", 1); break;
    case 'T':
      options.window = load::number(value, "TCP window size");
      if (*options.window > window_limit) maillog::fatal("bad TCP window size: {}", value);
      break;
    case 'u': options.user = value; break;
    default: bad_usage();
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "468aA:b:B:cCd:D:eEf:Fh:H:Lm:M:n:NpPq:Q:r:R:s:S:t:T:u:vw:W:")) != -1;) {
    if (!take_switch(option, options)) take_value(option, options);
  }
  if (argc - optind != 2) bad_usage();
  options.target = argv[optind];
  const auto backlog = ascii::parse_number(argv[optind + 1], INT32_MAX);
  if (!backlog) bad_usage();
  options.backlog = static_cast<int>(*backlog);
  if (::getuid() == 0 && options.user.empty()) maillog::fatal("-u option is required if running as root");
  return options;
}

}  // namespace smtp_sink
