// postcat(1): prints queue files, by path or by queue id. Run by whoever may read them, which is root and the mail owner.

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/postcat/postcat_params.h"
#include "commands/postcat/printer.h"
#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/queue/layout.h"

namespace {

constexpr std::string_view usage =
    "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] [-h (header text)] "
    "[-q (access queue)] [-v] [file(s)...]";
constexpr queue::Queue searched[] = {queue::Queue::maildrop, queue::Queue::hold,    queue::Queue::incoming,
                                     queue::Queue::active,   queue::Queue::deferred, queue::Queue::corrupt};

void print_open(const Fd& file, const std::string& name, const postcat::Choice& choice) {
  const auto printed = postcat::print(file.get(), name, choice);
  if (printed) return;
  std::fflush(stdout);
  maillog::warning("{}: {}", name, printed.error().message());
  if (printed.error().message() != postcat::not_a_queue_file) maillog::fatal("record read error");
}

// Standard input, as a file in which pointers can be followed.
Fd standard_input() {
  struct stat status {};
  if (::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode)) return Fd(::dup(STDIN_FILENO));
  Fd copy(::memfd_create("stdin", MFD_CLOEXEC));
  std::array<char, 64 * 1024> buffer{};
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) return copy;
    if (n < 0 || ::write(copy.get(), buffer.data(), static_cast<std::size_t>(n)) != n) {
      maillog::fatal("{}", base::Error::system("read standard input").message());
    }
  }
}

void print_file(const std::string& path, const postcat::Choice& choice) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) maillog::fatal("{}", base::Error::system("open " + path).message());
  print_open(file, path, choice);
}

void print_queued(const queue::Layout& layout, const std::string& text, const postcat::Choice& choice) {
  if (!queue::is_safe_name(text)) maillog::fatal("bad mail queue ID: {}", text);
  const auto id = queue::QueueId::parse(text);
  if (id) {
    for (const queue::Queue queue : searched) {
      const std::string path = layout.path(queue, *id);
      const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (file) return print_open(file, path.substr(layout.root().size()), choice);
      if (errno != ENOENT) maillog::fatal("{}", base::Error::system("open queue file " + text).message());
    }
  }
  maillog::fatal("open queue file {}: No such file or directory", text);
}

std::int64_t parse_offset(std::string_view text) {
  const auto offset = ascii::parse_number(text, INT64_MAX);
  if (!offset) maillog::fatal("bad offset: {}", text);
  return static_cast<std::int64_t>(*offset);
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postcat");
  postcat::Choice choice;
  bool by_id = false;
  std::string directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, "+bc:defhoqrs:v")) != -1;) {
    switch (option) {
      case 'b': choice.body = true; break;
      case 'c': directory = optarg; break;
      case 'd': choice.decimal_types = true; break;
      case 'e': choice.envelope = true; break;
      case 'f': choice.names_file = true; break;
      case 'h': choice.headers = true; break;
      case 'o': choice.offsets = true; break;
      case 'q': by_id = true; break;
      case 'r': choice.raw = true; break;
      case 's': choice.start = parse_offset(optarg); break;
      case 'v': choice.names_content = true; break;
      default: maillog::fatal("{}", usage);
    }
  }
  const auto main_cf = config::Main::read(directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  const auto params = postcat::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  config::open_log(*main_cf, "postcat", config::LogUser::command);
  const queue::Layout layout(params->queue_directory + "/", params->hash_queue_names, params->hash_queue_depth);
  if (optind == argc) print_open(standard_input(), "stdin", choice);
  for (int i = optind; i < argc; ++i) {
    if (by_id) {
      print_queued(layout, argv[i], choice);
    } else {
      print_file(argv[i], choice);
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
