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
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-c config_dir] [-C param_class] [-d (parameter "
    "defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)] [-H (no values)] [-l "
    "(lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default parameters)] [-o name=value (override parameter "
    "value)] [-p (main.cf, default)] [-P (master.cf parameters)] [-q (no deprecation warnings)] [-v (verbose)] [-x "
    "(expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]";

// Options that were given, as a set of letters in the order in which messages name them.
constexpr std::string_view letters = "aAdefFhHlmMnopPxX#";

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
constexpr std::string_view exclusive_groups[] = {"aAFlmMPp", "deXn#", "hH",  "ef", "eh", "eH", "eo", "ex",
                                                 "Xf",       "Xh",    "XH",  "Xo", "Xx", "#f", "#h", "#H", "#o", "#x"};

struct Meaningless {
  char subject;
  std::string_view with;
};
constexpr Meaningless meaningless[] = {
    {'M', "dnhH"},          {'F', "dnX#"},          {'P', "dn#"},          {'l', "defhHnoxX#"},
    {'m', "defhHnoxX#"},    {'a', "defhHnoxX#"},    {'A', "defhHnoxX#"},
};

Result<void> check(const Given& given) {
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
  return Subject::parameters;
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  options.config_directory = config::config_directory_from_environment();
  options.directory_given = std::getenv("MAIL_CONFIG") != nullptr;
  Given given;
  // getopt stops at the first name, as POSIX has it.
  for (int letter = 0; (letter = getopt(argc, argv, "+aAc:C:deEfFhHlmMno:pPqvxX#")) != -1;) {
    switch (letter) {
      case 'c':
        options.config_directory = optarg;
        options.directory_given = true;
        continue;
      case 'C': options.classes = TRY(parse_classes(optarg)); continue;
      case 'q': options.quiet = true; continue;
      case 'v': continue;
      case 'o': {
        auto setting = config::parse_setting(optarg);
        if (!setting) return fail(fmt::format("invalid parameter override: {}: missing '=' after attribute name", optarg));
        options.overrides.emplace_back(optarg);
        break;
      }
      default: break;
    }
    if (letters.find(static_cast<char>(letter)) == std::string_view::npos) return fail(std::string(usage));
    given.add(static_cast<char>(letter));
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
  if (is_edit && options.names.empty()) {
    return fail(options.action == Action::edit ? "-e requires name=value argument" : "missing service argument");
  }
  return options;
}

}  // namespace postconf
