// qmqp-sink(1): takes messages by QMQP and throws them away. Run by anybody who may listen at the address.

#include <cstdio>
#include <string>

#include <unistd.h>

#include <fmt/core.h>

#include "commands/load/acceptor.h"
#include "commands/load/arguments.h"
#include "commands/load/target.h"
#include "lib/base/ascii.h"
#include "lib/io/netstring.h"
#include "lib/log/log.h"

namespace {

constexpr std::string_view usage = "usage: qmqp-sink [-cv] [-x time] [host]:port backlog";
constexpr std::size_t clients_limit = 10'000;
constexpr std::size_t message_limit = 999'999'999;

struct Options {
  load::Families families = load::Families::any;
  bool show_count = false;
  bool verbose = false;
  std::chrono::seconds life{0};   // 0: without end
  std::string target;
  int backlog = 0;
};

int number(const char* text) {
  const auto value = ascii::parse_number(text, INT32_MAX);
  if (!value) maillog::fatal("{}", usage);
  return static_cast<int>(*value);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "46cvx:")) != -1;) {
    switch (option) {
      case '4': options.families = load::Families::ipv4; break;
      case '6': options.families = load::Families::ipv6; break;
      case 'c': options.show_count = true; break;
      case 'v': options.verbose = true; break;
      case 'x': options.life = std::chrono::seconds(number(optarg)); break;
      default: maillog::fatal("{}", usage);
    }
  }
  if (argc - optind != 2) maillog::fatal("{}", usage);
  options.target = argv[optind];
  options.backlog = number(argv[optind + 1]);
  return options;
}

// Reads the message without keeping it.
io::NetstringEnd skip_message(io::Stream& stream) {
  const Deadline deadline = base::after(load::time_limit);
  const io::NetstringLength head = io::read_netstring_length(stream, deadline, message_limit);
  if (head.end != io::NetstringEnd::ok) return head.end;
  for (std::size_t left = head.length; left > 0;) {
    const io::Stream::Bytes bytes = stream.read_some(std::min(left, io::Stream::input_size_busy), deadline);
    if (bytes.end != io::End::ok) return bytes.end == io::End::timeout ? io::NetstringEnd::timeout : io::NetstringEnd::eof;
    left -= bytes.data.size();
  }
  std::string comma;
  if (stream.read_exact(comma, 1, deadline) != io::End::ok) return io::NetstringEnd::eof;
  return comma == "," ? io::NetstringEnd::ok : io::NetstringEnd::malformed;
}

class Sink {
 public:
  explicit Sink(const Options& options) : options_(options) {}

  void serve(Fd client) {
    io::Stream stream(std::move(client));
    if (options_.verbose) maillog::info("connect");
    switch (skip_message(stream)) {
      case io::NetstringEnd::ok: break;
      case io::NetstringEnd::malformed:
      case io::NetstringEnd::too_long: return maillog::warning("netstring format error");
      case io::NetstringEnd::timeout: return maillog::warning("read timeout");
      case io::NetstringEnd::eof:
      case io::NetstringEnd::error: return maillog::warning("lost connection");
    }
    const Deadline deadline = base::after(load::time_limit);
    stream.write("3:KOk,", deadline);
    if (stream.flush(deadline) != io::End::ok) return maillog::warning("lost connection");
    ++messages_;
    if (!options_.show_count) return;
    fmt::print("{}\r", messages_);
    std::fflush(stdout);
  }

 private:
  const Options& options_;
  unsigned long messages_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/qmqp-sink");
  const Options options = parse_options(argc, argv);
  load::raise_descriptor_limit();
  const auto target = load::Target::to_listen(options.target, options.families);
  if (!target) maillog::fatal("{}", target.error().message());
  auto listeners = load::listen(*target, {}, options.backlog);
  if (!listeners) maillog::fatal("{}", listeners.error().message());
  Sink sink(options);
  load::Acceptor acceptor("qmqp-sink", std::move(*listeners), clients_limit, [&sink](Fd client) { sink.serve(std::move(client)); });
  std::unique_ptr<event::Loop::Watch> end;
  if (options.life.count() > 0) end = event::Loop::current().timer(options.life, [&acceptor] { acceptor.stop(); });
  acceptor.run();
}
