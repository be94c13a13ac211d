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

struct Options {
  std::string directory = config::config_directory_from_environment();
  std::string priority = "info";
  std::optional<std::string> tag;
  bool bad_usage = false;
};

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "c:ip:t:v")) != -1;) {
    switch (option) {
      case 'c': options.directory = optarg; break;
      case 'p': options.priority = optarg; break;
      case 't': options.tag = optarg; break;
      case 'i':  // every line has the process id
      case 'v': break;
      default: options.bad_usage = true;
    }
  }
  return options;
}

maillog::Level level_of(std::string_view name) {
  for (const auto& [known, level] : levels) {
    if (ascii::equal_ignoring_case(known, name)) return level;
  }
  maillog::fatal("bad severity: \"{}\"", name);
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postlog");
  const Options options = parse_options(argc, argv);
  const auto main_cf = config::Main::read(options.directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  config::open_log(*main_cf, "postlog", config::LogUser::script);
  if (options.bad_usage) maillog::fatal("usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]");
  const maillog::Level level = level_of(options.priority);
  if (options.tag) maillog::set_tag(*options.tag);

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
