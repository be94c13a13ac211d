// postlog(1): writes lines into the mail log, from arguments or standard input. Run by anybody who may reach the log.
// Touches no mail.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/format.h>
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
constexpr std::size_t input_line_limit = 64 * 1024;

// What is wrong with the command line is said under the name that does not depend on main.cf.
[[noreturn]] void die(std::string_view text) {
  fmt::print(stderr, "postfix/postlog: fatal: {}\n", text);
  std::exit(EXIT_FAILURE);
}

struct Options {
  std::string directory = config::config_directory_from_environment();
  std::string priority = "info";
  std::optional<std::string> tag;
};

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "+c:ip:t:v")) != -1;) {
    switch (option) {
      case 'c': options.directory = optarg; break;
      case 'p': options.priority = optarg; break;
      case 't': options.tag = optarg; break;
      case 'i':  // every line has the process id
      case 'v': break;
      default: die("usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]");
    }
  }
  return options;
}

maillog::Level level_of(std::string_view name) {
  for (const auto& [known, level] : levels) {
    if (ascii::equal_ignoring_case(known, name)) return level;
  }
  die(fmt::format("bad severity: \"{}\"", name));
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postlog");
  const Options options = parse_options(argc, argv);
  const maillog::Level level = level_of(options.priority);
  const auto main_cf = config::Main::read(options.directory);
  if (!main_cf) die(main_cf.error().message());
  ::unsetenv("MAIL_LOGTAG");   // its tag is its own, or what -t says
  config::open_log(*main_cf, "postlog", config::LogUser::script);
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
