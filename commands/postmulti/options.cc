#include "commands/postmulti/options.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include <unistd.h>

namespace postmulti {

namespace {

using base::fail;

constexpr std::string_view usage =
    "Usage: postmulti -l [-ajRv] [-g group] [-i name] | postmulti -p [-av] [-g group] [-i name] command... | postmulti -x "
    "[-aRv] [-g group] [-i name] command... | postmulti -e action [-av] [-g group] [-i name] [-G group] [-I name] "
    "[name=value ...]";

struct ActionName {
  std::string_view name;
  Action action;
};
constexpr std::array actions{
    ActionName{"init", Action::init},       ActionName{"create", Action::create}, ActionName{"import", Action::import_},
    ActionName{"destroy", Action::destroy}, ActionName{"deport", Action::deport}, ActionName{"enable", Action::enable},
    ActionName{"disable", Action::disable}, ActionName{"assign", Action::assign},
};

Result<Action> parse_action(std::string_view name) {
  const auto* const found = std::ranges::find(actions, name, &ActionName::name);
  if (found != actions.end()) return found->action;
  return fail(fmt::format("Invalid '-e' edit action '{}'. Specify 'create', 'destroy', 'import', 'deport', 'enable', "
                          "'disable', 'assign' or 'init'", name));
}

struct Given {
  int modes = 0;       // -e counts each time
  int selections = 0;  // -a, -g and -i
  std::string action;
};

Result<void> take(int letter, Options& options, Given& given) {
  const auto set_mode = [&](Mode mode) {
    if (given.modes == 0 || options.mode != mode || mode == Mode::edit) ++given.modes;
    options.mode = mode;
  };
  switch (letter) {
    case 'l': set_mode(Mode::list); break;
    case 'p': set_mode(Mode::postfix); break;
    case 'x': set_mode(Mode::command); break;
    case 'e':
      set_mode(Mode::edit);
      given.action = optarg;
      break;
    case 'a': options.all = true; ++given.selections; break;
    case 'g': options.group = optarg; ++given.selections; break;
    case 'i': options.instance = optarg; ++given.selections; break;
    case 'I': options.new_name = optarg; break;
    case 'G': options.new_group = optarg; break;
    case 'R': options.reverse = true; break;
    case 'j': options.json = true; break;
    case 'v': options.verbose = true; break;
    default: return fail(std::string(usage));
  }
  return {};
}

bool takes_arguments(Action action) { return action == Action::create || action == Action::import_; }

bool takes_names(Action action) { return takes_arguments(action) || action == Action::assign; }

Result<void> check_edit(const Options& options, std::string_view action) {
  if (!options.arguments.empty() && !takes_arguments(options.action)) {
    return fail(fmt::format("Parameter overrides not valid with '-e {}'", action));
  }
  if ((options.new_name || options.new_group) && !takes_names(options.action)) {
    return fail(fmt::format("Cannot assign instance name or group with '-e {}'", action));
  }
  if (options.action == Action::assign && !options.new_name && !options.new_group) {
    return fail("Specify new instance name or group with '-e assign'");
  }
  if (options.action != Action::init && !takes_arguments(options.action) && !options.instance) {
    return fail("Select an instance via '-i name'");
  }
  return {};
}

Result<void> check(Options& options, const Given& given) {
  if (given.modes != 1) return fail("Specify exactly one of '-e', '-l', '-p', '-x'");
  if (given.selections > 1) return fail("Specity no more than one of '-a', '-g', '-i'");  // as Postfix spells it
  const bool is_edit = options.mode == Mode::edit;
  if (is_edit) options.action = TRY(parse_action(given.action));
  if (options.reverse && (is_edit || options.mode == Mode::postfix)) {
    return fail("The '-p' and '-e' options preclude the use of '-R'");
  }
  if (options.json && options.mode != Mode::list) return fail("The '-j' option requires '-l'");
  if (is_edit) return check_edit(options, given.action);
  if (options.new_name || options.new_group) return fail("Cannot assign instance name or group without '-e assign'");
  if (options.mode == Mode::list && !options.arguments.empty()) return fail("Command not allowed with '-l'");
  if (options.mode != Mode::list && options.arguments.empty()) return fail("Command required with '-p' or '-x' option");
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  Given given;
  // Options of the command that follows are its own.
  for (int letter = 0; (letter = getopt(argc, argv, "+ae:g:i:jlpvxG:I:R")) != -1;) TRY(take(letter, options, given));
  options.arguments.assign(argv + optind, argv + argc);
  TRY(check(options, given));
  return options;
}

}  // namespace postmulti
