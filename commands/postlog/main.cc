// postlog(1): writes lines into the mail log, from arguments or standard input. Run by anybody who may reach the log.
// Touches no mail.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"

namespace {

constexpr std::array<std::pair<std::string_view, maillog::Level>, 6> levels{{{"info", maillog::Level::info},
                                                                             {"warn", maillog::Level::warning},
                                                                             {"warning", maillog::Level::warning},
                                                                             {"error", maillog::Level::error},
                                                                             {"fatal", maillog::Level::fatal},
                                                                             {"panic", maillog::Level::panic}}};
constexpr std::size_t input_line_limit = 2000;

maillog::Level level_of(std::string_view name) {
  for (const auto& [known, level] : levels) {
    if (ascii::equal_ignoring_case(known, name)) return level;
  }
  maillog::fatal("unknown priority: {}", name);
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postlog");
  maillog::Level level = maillog::Level::info;
  std::string directory = config::config_directory_from_environment();
  std::optional<std::string> tag;
  bool with_pid = false;
  for (int option; (option = ::getopt(argc, argv, "c:ip:t:v")) != -1;) {
    switch (option) {
      case 'c': directory = optarg; break;
      case 'i': with_pid = true; break;
      case 'p': level = level_of(optarg); break;
      case 't': tag = optarg; break;
      case 'v': break;
      default: maillog::fatal("usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]");
    }
  }
  static_cast<void>(with_pid);  // every line has the process id
  const auto main_cf = config::Main::read(directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  config::open_log(*main_cf, "postlog", config::LogUser::command);
  if (tag) maillog::set_tag(*tag);

  if (optind < argc) {
    std::string text;
    for (int i = optind; i < argc; ++i) text += (i > optind ? " " : "") + std::string(argv[i]);
    maillog::write(level, text);
    return 0;
  }
  io::Stream input{Fd(::dup(STDIN_FILENO))};
  for (;;) {
    const io::LineResult line = input.read_line(base::no_deadline, input_line_limit);
    if (line.end() == io::End::error || (line.end() == io::End::eof && line.text().empty())) return 0;
    maillog::write(level, line.text());
    if (line.end() == io::End::eof) return 0;
  }
}
