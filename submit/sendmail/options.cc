#include "submit/sendmail/options.h"

#include <array>

#include <fmt/core.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/mail/dsn_parameters.h"

namespace sendmail {
namespace {

// '+': recipients end the options.
constexpr const char* letters = "+A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:q::r:tvx";
constexpr std::size_t verp_size = 2;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// NOTIFY's words, in a list of ours.
int parse_notify(std::string_view text, std::vector<std::string>& warnings) {
  int bits = 0;
  bool is_good = true;
  for (const std::string_view word : ascii::split(text, ", \t\r\n")) {
    const int bit = mail::notify::of_word(word);
    if (bit == 0) warnings.push_back(fmt::format("unknown DSN NOTIFY command value \"{}\" in \"{}\"", word, text));
    is_good = is_good && bit != 0;
    bits |= bit;
  }
  if (is_good && bits != 0 && mail::notify::is_consistent(static_cast<std::uint64_t>(bits))) return bits;
  warnings.emplace_back("bad -N option value -- ignored");
  return 0;
}

bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (!ascii::is_printable(c)) return false;
  }
  return !text.empty();
}

Result<void> set_mode(Options& options, char letter) {
  switch (letter) {
    case 'm': options.mode = Mode::deliver; return {};
    case 'v': options.mode = Mode::verify; return {};
    case 'p': options.mode = Mode::list_queue; return {};
    case 'i': options.mode = Mode::init_aliases; return {};
    case 'd':
    case 'l': options.mode = Mode::daemon; return {};
    case 's': options.mode = Mode::dialogue; return {};
    case 'h':
    case 'H': options.mode = Mode::nothing; return {};
    default: return base::fail(fmt::format("unsupported: -b{}", letter));
  }
}

Result<void> set_flush(Options& options, std::string_view argument) {
  if (argument.empty()) {
    options.mode = Mode::flush;
    return {};
  }
  const char what = argument.front();
  if (ascii::is_digit(what)) {
    options.has_queue_interval = true;  // a queue run every so often is qmgr's business
    return {};
  }
  if (what != 'I' && what != 'R') return base::fail(fmt::format("-q{} is not implemented", what));
  if (argument.size() == 1) return base::fail(fmt::format("specify: -q{}", what == 'I' ? "Iqueueid" : "Rsitename"));
  (what == 'I' ? options.flush_message : options.flush_site) = argument.substr(1);
  return {};
}

Result<void> set_other(Options& options, std::string_view argument) {
  switch (argument.empty() ? '\0' : argument.front()) {
    case 'A':
      if (argument.size() == 1) return base::fail("-oA requires pathname");
      options.alias_file = argument.substr(1);
      return {};
    case 'i': options.ignore_dots = true; return {};
    default: return {};  // -om, -oe, -o7, -o8 and the like
  }
}

// What was an option of the original Sendmail's means nothing here; two are ours.
void set_named(Options& options, std::string_view argument) {
  const std::size_t equals = argument.find('=');
  const std::string_view name = argument.substr(0, equals);
  const bool is_require_tls = ascii::equal_ignoring_case(name, "requiretls");
  if (!is_require_tls && !ascii::equal_ignoring_case(name, "smtputf8")) return;
  const std::string_view value = equals == std::string_view::npos ? std::string_view() : argument.substr(equals + 1);
  const bool is_yes = ascii::equal_ignoring_case(value, "yes");
  if (is_yes || ascii::equal_ignoring_case(value, "no")) (is_require_tls ? options.requires_tls : options.needs_smtputf8) = is_yes;
  else options.warnings.push_back(fmt::format("bad -O option: '{}' -- ignored", argument));
}

Result<void> set_log_or_verp(Options& options, std::string_view argument) {
  if (!argument.starts_with('V')) return base::fail(fmt::format("unsupported: -X{}", argument.substr(0, 1)));
  options.verp = argument.substr(1);
  return {};
}

Result<void> take(Options& options, int letter, std::string_view argument) {
  switch (letter) {
    case 'B':
      if (argument != "8BITMIME" && argument != "7BIT") return base::fail("-B option needs 8BITMIME or 7BIT");
      options.encoding = argument == "8BITMIME" ? "8bit" : "7bit";
      return {};
    case 'C': options.config_directory = argument; return {};
    case 'F': options.full_name = argument; return {};
    case 'G': options.is_gateway = true; return {};
    case 'I': options.mode = Mode::init_aliases; return {};
    case 'N': options.notify = parse_notify(argument, options.warnings); return {};
    case 'R':
      if (const auto ret = mail::ret::parse(argument)) options.ret = *ret;
      else options.warnings.emplace_back("bad -R option value -- ignored");
      return {};
    case 'V':
      if (is_printable(argument)) options.envelope_id = argument;
      else options.warnings.emplace_back("bad syntax in -V option value -- ignored");
      return {};
    case 'O': set_named(options, argument); return {};
    case 'X': return set_log_or_verp(options, argument);
    case 'b': return set_mode(options, argument.empty() ? ' ' : argument.front());
    case 'f':
    case 'r': options.sender = argument; return {};
    case 'i': options.ignore_dots = true; return {};
    case 'n': return base::fail("-n option not supported");
    case 'o': return set_other(options, argument);
    case 'q': return set_flush(options, argument);
    case 't': options.extract_recipients = true; return {};
    case 'v': options.report = true; return {};
    case '?': return base::fail(fmt::format("usage: {} [options]", options.program));
    default: return {};  // -A -L -U -c -e -h -m -p -x
  }
}

// "-V" followed by two characters is the old way to ask for VERP.
bool is_old_verp(int argc, char** argv) {
  return ::optind + 1 < argc && std::string_view(argv[::optind]) == "-V" &&
         std::string_view(argv[::optind + 1]).size() == verp_size;
}

// -qR and -qI stand in the place of a delivery.
Result<void> set_flush_mode(Options& options) {
  const bool flushes_site = !options.flush_site.empty();
  if (!flushes_site && options.flush_message.empty()) return {};
  if (options.mode != Mode::deliver && options.mode != Mode::verify) {
    return base::fail(fmt::format("-q{} can be used only in delivery mode", flushes_site ? 'R' : 'I'));
  }
  options.mode = flushes_site ? Mode::flush_site : Mode::flush_message;
  options.extract_recipients = false;
  return {};
}

Result<void> check(const Options& options) {
  const auto no_recipients = [&](std::string_view mode) -> Result<void> {
    if (options.recipients.empty()) return {};
    return base::fail(fmt::format("{} requires no recipient", mode));
  };
  if (options.extract_recipients && options.mode == Mode::verify) return base::fail("-t option cannot be used with -bv");
  const bool delivers = options.mode == Mode::deliver || options.mode == Mode::verify;
  if (options.extract_recipients && !delivers) return base::fail("-t can be used only in delivery mode");
  switch (options.mode) {
    case Mode::deliver:
    case Mode::verify: return {};
    case Mode::list_queue: return no_recipients("display queue mode");
    case Mode::init_aliases: return no_recipients("alias initialization mode");
    case Mode::daemon: return no_recipients("daemon mode");
    case Mode::dialogue: return no_recipients("stand-alone mode");
    case Mode::flush: return no_recipients("flush queue mode");
    case Mode::flush_site: return no_recipients("flush site");
    case Mode::flush_message: return no_recipients("flush queue_id");
    case Mode::nothing: return {};
  }
  return {};
}

}  // namespace

void Options::respect(bool has_require_tls, bool has_smtputf8) {
  if (requires_tls && !has_require_tls) {
    warnings.emplace_back("Ignoring option '-O requiretls=yes', because the configuration is 'requiretls_enable = no'");
    requires_tls = false;
  }
  if (needs_smtputf8 && !has_smtputf8) {
    warnings.emplace_back("'-O smtputf8=yes' was requested, but the configuration is 'smtputf8_enable = no'");
    needs_smtputf8 = false;
  }
}

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  const std::string_view name = base_name(argc > 0 ? argv[0] : "sendmail");
  options.program = name;
  if (name == "mailq") options.mode = Mode::list_queue;
  else if (name == "newaliases") options.mode = Mode::init_aliases;
  if (argc > 0) argv[0] += name.data() - argv[0];  // getopt's complaints begin with the name alone
  // Two passes, as in Postfix: the first only finds the configuration, and complains of what is unknown.
  ::optind = 1;
  while (::getopt(argc, argv, letters) != -1) {
  }
  ::optind = 1;
  for (;;) {
    if (is_old_verp(argc, argv)) {
      options.warnings.emplace_back("option -V is deprecated with Postfix 2.3; specify -XV instead");
      options.verp = "";
      ++::optind;
      continue;
    }
    const int letter = ::getopt(argc, argv, letters);
    if (letter == -1) break;
    TRY(take(options, letter, ::optarg != nullptr ? ::optarg : ""));
  }
  for (int i = ::optind; i < argc; ++i) options.recipients.emplace_back(argv[i]);
  if (options.has_queue_interval && options.mode != Mode::daemon) options.mode = Mode::nothing;
  else TRY(set_flush_mode(options));
  TRY(check(options));
  return options;
}

}  // namespace sendmail
