#include "commands/postfix/wrapper.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace postfix {
namespace {

std::vector<std::string> wrapper_environment(const Context& context, const CommandLine& command) {
  std::vector<std::string> variables = environment(context);
  if (command.debugs) variables.emplace_back("MAIL_DEBUG=");
  const Params& params = context.params;
  const std::pair<std::string_view, std::string_view> settings[] = {
      {"command_directory", params.command_directory},   {"config_directory", context.config_directory},
      {"daemon_directory", params.daemon_directory},     {"data_directory", params.data_directory},
      {"html_directory", params.html_directory},         {"mail_owner", params.mail_owner},
      {"mailq_path", params.mailq_path},                 {"manpage_directory", params.manpage_directory},
      {"meta_directory", params.meta_directory},         {"newaliases_path", params.newaliases_path},
      {"queue_directory", params.queue_directory},       {"readme_directory", params.readme_directory},
      {"sample_directory", params.sample_directory},     {"sendmail_path", params.sendmail_path},
      {"setgid_group", params.setgid_group},             {"shlib_directory", params.shlib_directory},
  };
  for (const auto& [name, value] : settings) variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

void run_wrapper(const Context& context, const CommandLine& command) {
  const Params& params = context.params;
  std::vector<std::string> words;
  for (const std::string_view word : ascii::split(params.multi_instance_wrapper, " \t\r\n")) words.emplace_back(word);
  if (words.empty()) maillog::fatal("multi-instance support is requested, but multi_instance_wrapper is empty");
  if (!command.action.empty()) words.push_back(command.action);
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables = wrapper_environment(context, command);
  if (::chdir(params.queue_directory.c_str()) != 0) maillog::fatal("{}", base::Error::system("chdir " + params.queue_directory).message());
  ::execvpe(words.front().c_str(), pointers(words).data(), pointers(variables).data());
  maillog::fatal("{}", base::Error::system("run " + words.front()).message());
}

bool is_secondary(const std::string& config_directory) {
  const auto primary = config::Main::read(std::string(config::default_directory));
  if (!primary || config_directory == config::default_directory) return false;
  const std::string list = primary->expand("multi_instance_directories").value_or("");
  const auto directories = ascii::split(list, ", \t\r\n");
  return std::ranges::find(directories, config_directory) != directories.end();
}

}  // namespace postfix
