#include "commands/postfix/wrapper.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace postfix {

void run_wrapper(const Params& params, const CommandLine& command) {
  std::vector<std::string> words;
  for (const std::string_view word : ascii::split(params.multi_instance_wrapper, " \t\r\n")) words.emplace_back(word);
  if (words.empty()) maillog::fatal("multi-instance support is requested, but multi_instance_wrapper is empty");
  if (!command.action.empty()) words.push_back(command.action);
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
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
