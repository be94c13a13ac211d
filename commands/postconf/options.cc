#include "commands/postconf/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"

namespace postconf {

namespace {

using base::fail;

constexpr std::string_view usage =
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] [-C "
    "param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no "
    "names)] [-H (no values)] [-j (JSON)] [-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default "
    "parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)] [-q (no "
    "deprecation warnings)] [-t (bounce templates)] [-T compile-version|run-version|public-key-algorithms] [-v "
    "(verbose)] [-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]";

// Options that were given, as a set of letters in the order in which messages name them.
constexpr std::string_view letters = "aAbdefFhHjlmMnopPtTxX#";

class Given {
 public:
  void add(char letter) { present_[letters.find(letter)] = true; }
  [[nodiscard]] bool has(char letter) const { return present_[letters.find(letter)]; }

  // Those of `group` that were given, "-d -n".
  [[nodiscard]] std::string of(std::string_view group) const {
    std::string text;
    for (const char letter : letters) {
      if (has(letter) && group.contains(letter)) text += fmt::format("{}-{}", text.empty() ? "" : " ", letter);
    }
    return text;
  }
  [[nodiscard]] bool any() const { return std::ranges::find(present_, true) != present_.end(); }

 private:
  std::array<bool, letters.size()> present_{};
};

// Of each group one at most.
constexpr std::string_view exclusive_groups[] = {"aAbFlmMPptT", "deXn#", "hH", "ef", "eh", "eH", "ej", "eo",
                                                 "ex", "Xf", "Xh", "XH", "Xj", "Xo", "Xx", "#f", "#h", "#H",
                                                 "#j", "#o", "#x", "fj", "hj", "Hj"};

struct Meaningless {
  char subject;
  std::string_view with;
};
constexpr Meaningless meaningless[] = {
    {'M', "dnhH"},          {'F', "dnX#"},          {'P', "dn#"},          {'l', "defhHjnoxX#"},
    {'m', "defhHjnoxX#"},   {'a', "defhHjnoxX#"},   {'A', "defhHjnoxX#"},  {'b', "defhHjnoxX#"},
    {'t', "defhHjnoxX#"},   {'T', "defhHjnoxX#"},
};

Result<void> check(const Given& given) {
  if (given.has('b') && given.has('t')) return fail("specify one of -b and -t");
  for (const std::string_view group : exclusive_groups) {
    const std::string clash = given.of(group);
    if (clash.size() > std::string_view("-x").size()) return fail(fmt::format("specify one of {}", clash));
  }
  for (const Meaningless& rule : meaningless) {
    const std::string others = given.has(rule.subject) ? given.of(rule.with) : std::string();
    if (!others.empty()) return fail(fmt::format("with option -{}, do not specify {}", rule.subject, others));
  }
  return {};
}

Result<Classes> parse_classes(std::string_view text) {
  Classes classes{false, false, false};
  for (const std::string_view word : ascii::split(text, ", \t\r\n")) {
    const bool all = ascii::equal_ignoring_case(word, "all");
    const bool builtin = ascii::equal_ignoring_case(word, "builtin");
    const bool service = ascii::equal_ignoring_case(word, "service");
    const bool user = ascii::equal_ignoring_case(word, "user");
    if (!all && !builtin && !service && !user) return fail(fmt::format("unknown -C option value \"{}\" in \"{}\"", word, text));
    classes.builtin |= all || builtin;
    classes.service |= all || service;
    classes.user |= all || user;
  }
  return classes;
}

Subject subject_of(const Given& given) {
  if (given.has('M')) return Subject::services;
  if (given.has('F')) return Subject::fields;
  if (given.has('P')) return Subject::service_parameters;
  if (given.has('m')) return Subject::table_types;
  if (given.has('l')) return Subject::lock_types;
  if (given.has('a')) return Subject::server_sasl;
  if (given.has('A')) return Subject::client_sasl;
  if (given.has('b')) return Subject::expanded_templates;
  if (given.has('t')) return Subject::templates;
  if (given.has('T')) return Subject::tls;
  return Subject::parameters;
}

}  // namespace

namespace {

// One option that getopt found.
Result<void> take(char letter, std::string_view argument, Options& options, Given& given) {
  switch (letter) {
    case 'c':
      options.config_directory = argument;
      options.directory_given = true;
      return {};
    case 'C':
      options.classes = TRY(parse_classes(argument));
      return {};
    case 'q': options.quiet = true; return {};
    case 'v': return {};
    case 'o':
      if (!config::parse_setting(argument)) {
        const std::string_view mistake = ascii::trim(argument).starts_with('=') ? "missing attribute name"
                                                                                : "missing '=' after attribute name";
        return fail(fmt::format("invalid parameter override: {}: {}", argument, mistake));
      }
      options.overrides.emplace_back(argument);
      break;
    case 'T': options.tls_mode = argument; break;
    default: break;
  }
  if (letters.find(letter) == std::string_view::npos) return fail(std::string(usage));
  given.add(letter);
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  options.config_directory = config::config_directory_from_environment();
  options.directory_given = std::getenv("MAIL_CONFIG") != nullptr;
  Given given;
  // getopt stops at the first name, as POSIX has it.
  for (int letter = 0; (letter = getopt(argc, argv, "+aAbc:C:deEfFhHjlmMno:pPqtT:vxX#")) != -1;) {
    TRY(take(static_cast<char>(letter), optarg == nullptr ? "" : optarg, options, given));
  }
  for (int i = optind; i < argc; ++i) options.names.emplace_back(argv[i]);
  const bool is_edit = given.has('X') || given.has('#') || given.has('e');
  // "postconf name=value" edits; -X name=value then has no meaning.
  if (!options.names.empty() && options.names.front().contains('=')) given.add('e');
  TRY(check(given));

  options.subject = subject_of(given);
  options.show = given.has('d') ? Show::defaults : given.has('n') ? Show::set : Show::all;
  options.action = given.has('e')   ? Action::edit
                   : given.has('X') ? Action::exclude
                   : given.has('#') ? Action::comment_out
                                    : Action::show;
  options.expand = given.has('x');
  options.fold = given.has('f');
  options.without_names = given.has('h');
  options.without_values = given.has('H');
  options.json = given.has('j');
  const bool is_template = options.subject == Subject::templates || options.subject == Subject::expanded_templates;
  if (is_template && options.names.size() > 1) return fail("options -b and -t require at most one template file");
  if (is_edit && options.names.empty()) {
    return fail(options.action == Action::edit ? "-e requires name=value argument" : "missing service argument");
  }
  return options;
}

}  // namespace postconf
