#include "commands/postmulti/iterate.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/process/process.h"

namespace postmulti {

namespace {

constexpr std::string_view blanks = ", \t\r\n";

std::vector<const Instance*> selected(const Options& options, const std::vector<Instance>& instances, bool reverse) {
  std::vector<const Instance*> found;
  for (const Instance& one : instances) {
    if (one.is_selected(options)) found.push_back(&one);
  }
  if (reverse) std::ranges::reverse(found);
  return found;
}

// Ours with those of the instance in place of ours.
std::vector<std::string> environment_of(const Instance& one, const Params& params, const Options& options) {
  std::vector<std::string> own{"MAIL_CONFIG=" + one.config_directory,
                               "command_directory=" + params.command_directory,
                               "daemon_directory=" + params.daemon_directory,
                               "config_directory=" + one.config_directory,
                               "queue_directory=" + one.queue_directory,
                               "data_directory=" + one.data_directory,
                               "multi_instance_name=" + one.name,
                               "multi_instance_group=" + one.group,
                               std::string("multi_instance_enable=") + (one.enabled ? "yes" : "no")};
  if (options.verbose) own.emplace_back("MAIL_VERBOSE=1");
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::ranges::any_of(own, [&](const std::string& mine) {
      return mine.starts_with(name) && mine[name.size()] == '=';
    });
    if (!replaced && name != "MAIL_LOGTAG") all.emplace_back(text);
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

// The program by the PATH that execvp(3) would use.
std::string path_of(const std::string& command) {
  if (command.contains('/')) return command;
  const char* const path = std::getenv("PATH");
  for (const std::string_view directory : ascii::split(path == nullptr ? "/usr/bin:/bin" : path, ":")) {
    const std::string place = fmt::format("{}/{}", directory, command);
    if (::access(place.c_str(), X_OK) == 0) return place;
  }
  return {};
}

bool succeeds(std::vector<std::string> argv, const Instance& one, const Params& params, const Options& options) {
  maillog::flush();
  const std::string path = path_of(argv.front());
  const std::string name = argv.front();
  Result<process::Process> child = base::fail("");
  if (path.empty()) {
    errno = ENOENT;
    child = base::fail_system("execvp " + name);
  } else {
    child = process::Process::start({.argv = std::move(argv), .path = path, .environment = environment_of(one, params, options)});
  }
  if (!child) {
    maillog::write(maillog::Level::fatal, child.error().message());
    return false;
  }
  const process::Exit exit = child->wait();
  return !exit.signalled && exit.status == 0;
}

bool names(std::string_view list, std::string_view command) {
  const auto words = ascii::split(list, blanks);
  return std::ranges::find(words, command) != words.end();
}

std::string json_member(std::string_view name, std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return fmt::format("\"{}\": \"{}\"", name, text);
}

std::string line_of(const Instance& one, bool json) {
  const std::string_view enabled = one.enabled ? "y" : "n";
  if (!json) {
    return fmt::format("{:<15} {:<15} {:<9} {}\n", one.name.empty() ? "-" : one.name, one.group.empty() ? "-" : one.group,
                       enabled, one.config_directory);
  }
  return fmt::format("{{{}, {}, {}, {}}}\n", json_member("name", one.name), json_member("group", one.group),
                     json_member("enabled", one.enabled ? "yes" : "no"), json_member("config_directory", one.config_directory));
}

}  // namespace

Result<int> list(const Options& options, const std::vector<Instance>& instances) {
  std::string text;
  for (const Instance* const one : selected(options, instances, options.reverse)) text += line_of(*one, options.json);
  const Fd output(::dup(STDOUT_FILENO));
  TRY(io::write_all(output, "standard output", text));
  return 0;
}

Result<int> run_postfix(const Options& options, const Params& params, const std::vector<Instance>& instances) {
  const std::string& command = options.arguments.front();
  const bool starts = names(params.postmulti_start_commands, command);
  const bool stops = names(params.postmulti_stop_commands, command);
  const bool needs_enabled = stops || names(params.postmulti_control_commands, command);
  bool any = false, failed = false;
  // Who takes mail from the others starts after them, and stops before.
  for (const Instance* const one : selected(options, instances, stops)) {
    if (needs_enabled && !one->enabled) continue;
    any = true;
    std::vector<std::string> argv{params.command_directory + "/postfix"};
    if (starts && !one->enabled) {
      argv.emplace_back("check");
    } else {
      argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
    }
    failed |= !succeeds(std::move(argv), *one, params, options);
  }
  if (!any) return base::fail("No matching instances");
  return failed ? 1 : 0;
}

Result<int> run_command(const Options& options, const Params& params, const std::vector<Instance>& instances) {
  const auto meant = selected(options, instances, options.reverse);
  if (meant.empty()) return base::fail("No matching instances");
  bool failed = false;
  for (const Instance* const one : meant) failed |= !succeeds(options.arguments, *one, params, options);
  return failed ? 1 : 0;
}

}  // namespace postmulti
