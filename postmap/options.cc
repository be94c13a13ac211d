#include "postmap/options.h"

#include <fmt/core.h>

#include <unistd.h>

#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace postmap {
namespace {

// At most one of -q, -d and -s.
Result<void> set_action(const Dialect& dialect, Options& options, Action action, std::string_view key) {
  if (options.action == Action::query || options.action == Action::erase || options.action == Action::list) {
    return base::fail(dialect.is_alias ? "specify only one of -s or -q or -d" : "specify only one of -s -q or -d");
  }
  options.action = action;
  options.key = key;
  return {};
}

Result<void> set_option(const Dialect& dialect, Options& options, int letter, const char* argument) {
  switch (letter) {
    case 'b': options.body_keys = true; break;
    case 'h': options.header_keys = true; break;
    case 'm': options.mime = true; break;
    case 'c': options.config_directory = argument; break;
    case 'd': return set_action(dialect, options, Action::erase, argument);
    case 'q': return set_action(dialect, options, Action::query, argument);
    case 's': return set_action(dialect, options, Action::list, "");
    case 'i':
      if (options.action == Action::build) options.action = Action::add;
      break;
    case 'f': options.fold = false; break;
    case 'F': options.file_values = true; break;
    case 'n': options.without_nul = true; break;
    case 'N': options.with_nul = true; break;
    case 'o': options.act_as_owner = false; break;
    case 'p': options.inherit_mode = false; break;
    case 'r': options.if_duplicate = maps::IfDuplicate::replace; break;
    case 'w': options.if_duplicate = maps::IfDuplicate::keep; break;
    case 'u': options.utf8 = false; break;
    case 'U': options.force_utf8 = true; break;
    case 'v': ++options.verbose; break;
    default: return base::fail(fmt::format("usage: {}", dialect.usage));
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const Dialect& dialect, int argc, char** argv) {
  Options options;
  options.config_directory = config::config_directory_from_environment();
  const std::string letters = "+" + std::string(dialect.letters);   // tables end the options
  for (int letter = 0; (letter = ::getopt(argc, argv, letters.c_str())) != -1;) {
    TRY(set_option(dialect, options, letter, optarg));
  }
  for (int i = optind; i < argc; ++i) options.tables.emplace_back(argv[i]);
  const bool from_message = options.body_keys || options.header_keys || options.mime;
  if (from_message && (options.action != Action::query || options.key != "-")) {
    return base::fail("specify -b -h or -m only with \"-q -\"");
  }
  if (options.mime && !options.body_keys && !options.header_keys) {
    maillog::warning("ignoring -m option without -b or -h");
    options.mime = false;
  }
  if (from_message && !options.force_utf8) options.utf8 = false;
  if (options.tables.empty() && options.action != Action::list) return base::fail(fmt::format("usage: {}", dialect.usage));
  return options;
}

}  // namespace postmap
