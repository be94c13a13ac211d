// rmail(8): takes one message that came by UUCP from standard input, and hands it to sendmail(1) with the path that it came
// by as its sender. Started by uuxqt for other hosts, with the rights of its caller and no others; what is wrong with the
// message or the command line is said on standard error. The exit status is sendmail's: what was not taken is not lost.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands/rmail/from_lines.h"
#include "lib/base/fd.h"
#include "lib/config/main_cf.h"
#include "lib/io/stream.h"
#include "lib/process/process.h"

namespace {

constexpr std::size_t line_limit = 2048, block = 16 * 1024;

void say(std::string_view text) { fmt::print(stderr, "{}\n", text); }

[[noreturn]] void die(int status, std::string_view text) {
  say(fmt::format("rmail: {}", text));
  std::exit(status);
}

[[noreturn]] void usage() {
  say("usage: rmail [-T] [-D domain] user ...");
  std::exit(EX_USAGE);
}

struct Options {
  std::string domain = "UUCP";
  bool tells = false;               // -T
  std::vector<std::string> users;
};

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "D:T")) != -1;) {
    switch (option) {
      case 'D': options.domain = optarg; break;
      case 'T': options.tells = true; break;
      default: usage();
    }
  }
  if (optind == argc) usage();
  for (int i = optind; i < argc; ++i) {
    const std::string_view user = argv[i];
    if (user.starts_with('-')) die(EX_USAGE, fmt::format("dash precedes argument: {}", user));
    // sendmail would take a comma for the end of an address.
    const bool is_to_be_quoted = user.contains(',') && !user.contains('<');
    options.users.push_back(is_to_be_quoted ? fmt::format("<{}>", user) : std::string(user));
  }
  return options;
}

// Reads the From_ lines and gives the first line of the message, with its end.
std::string read_from_lines(io::Stream& input, rmail::FromLines& lines) {
  for (;;) {
    const io::LineResult line = input.read_line(base::no_deadline, line_limit);
    if (line.end() == io::End::too_long || (!line && !line.text().empty())) die(EX_DATAERR, "line too long");
    if (!line) std::exit(EX_DATAERR);
    std::string text(line.text());
    const auto taken = lines.take(text);
    if (!taken) die(EX_DATAERR, taken.error().message());
    if (*taken == rmail::FromLines::Taken::is_content) return text + (line.ending() == io::LineEnding::crlf ? "\r\n" : "\n");
  }
}

std::vector<std::string> sendmail_arguments(const std::string& program, const Options& options, const rmail::FromLines& lines) {
  std::vector<std::string> out{program, "-G", "-oee", "-odq", "-oi"};
  if (!lines.has_system()) out.push_back("-p" + options.domain);
  else if (lines.system().contains('.')) out.push_back(fmt::format("-p{}:{}", options.domain, lines.system()));
  else out.push_back(fmt::format("-p{}:{}.{}", options.domain, lines.system(), options.domain));
  out.push_back(fmt::format("-f{}{}", lines.path(), lines.user()));
  out.insert(out.end(), options.users.begin(), options.users.end());
  return out;
}

void tell(const rmail::FromLines& lines, const std::vector<std::string>& arguments) {
  if (lines.has_system()) say(fmt::format("from_sys: {}", lines.system()));
  if (!lines.path().empty()) say(fmt::format("from_path: {}", lines.path()));
  say(fmt::format("from_user: {}\nSendmail arguments:", lines.user()));
  for (const std::string& argument : arguments) say("\t" + argument);
}

bool write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Starts sendmail, and gives it the line and what follows it.
int hand_over(const std::vector<std::string>& arguments, io::Stream& input, std::string_view first_line) {
  auto pipe = process::make_pipe();
  if (!pipe) die(EX_OSERR, pipe.error().message());
  std::vector<std::string> environment;
  for (char** item = environ; *item != nullptr; ++item) environment.emplace_back(*item);
  auto child = process::Process::start({.argv = arguments,
                                        .path = {},
                                        .environment = std::move(environment),
                                        .descriptors = {{pipe->read_end.get(), STDIN_FILENO}},
                                        .directory = {},
                                        .own_session = false,
                                        .identity = {}});
  if (!child) die(EX_OSERR, child.error().message());
  pipe->read_end.reset();
  bool goes_on = write_all(pipe->write_end, first_line);
  while (goes_on) {
    const io::Stream::Bytes bytes = input.read_some(block, base::no_deadline);
    // Without its end sendmail would send what is not the whole message.
    if (bytes.end == io::End::error) child->signal(SIGKILL);
    goes_on = bytes.end == io::End::ok && write_all(pipe->write_end, bytes.data);
  }
  pipe->write_end.reset();
  const process::Exit exit = child->wait();
  if (exit.signalled) die(EX_OSERR, fmt::format("{}: did not terminate normally", arguments.front()));
  if (exit.status != 0) die(exit.status, fmt::format("{}: terminated with {} (non-zero) status", arguments.front(), exit.status));
  return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const Options options = parse_options(argc, argv);
  const auto main_cf = config::Main::read(config::config_directory_from_environment());
  if (!main_cf) die(EX_TEMPFAIL, main_cf.error().message());
  const auto program = main_cf->string("sendmail_path");
  if (!program) die(EX_TEMPFAIL, program.error().message());
  io::Stream input{Fd(::dup(STDIN_FILENO))};
  rmail::FromLines lines;
  const std::string first_line = read_from_lines(input, lines);
  const std::vector<std::string> arguments = sendmail_arguments(*program, options, lines);
  if (options.tells) tell(lines, arguments);
  return hand_over(arguments, input, first_line);
}
