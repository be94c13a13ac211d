// qmqp-source(1): sends messages of its own to a server by QMQP (https://cr.yp.to/proto/qmqp.html). Run by anybody; reads
// nothing but its command line.

#include <algorithm>
#include <string>

#include <unistd.h>

#include <fmt/format.h>

#include "commands/load/acceptor.h"
#include "commands/load/arguments.h"
#include "commands/load/target.h"
#include "commands/load/work.h"
#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/io/netstring.h"
#include "lib/log/log.h"
#include "lib/mail/date.h"

namespace {

constexpr std::string_view usage =
    "usage: qmqp-source -cv -s sess -l msglen -m msgs -C count -M myhostname -f from -t to -R delay -w delay host[:port]";
constexpr std::size_t reply_limit = 8192;
constexpr std::size_t longest_line = 79;
constexpr std::chrono::milliseconds reconnect_pause{100};

struct Options {
  load::Families families = load::Families::any;
  load::Pace pace;
  std::string host_name, sender, recipient, target;
  std::size_t length = 1024;
  int recipients = 1;
};

int number(const char* text, std::uint64_t min = 1) {
  const auto value = ascii::parse_number(text, INT32_MAX);
  if (!value || *value < min) maillog::fatal("{}", usage);
  return static_cast<int>(*value);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "46cC:f:l:m:M:r:R:s:t:vw:")) != -1;) {
    switch (option) {
      case '4': options.families = load::Families::ipv4; break;
      case '6': options.families = load::Families::ipv6; break;
      case 'c': options.pace.show_count = true; break;
      case 'C': options.pace.connect_attempts = number(optarg); break;
      case 'f': options.sender = optarg; break;
      case 'l': options.length = static_cast<std::size_t>(number(optarg)); break;
      case 'm': options.pace.messages = number(optarg); break;
      case 'M': options.host_name = optarg; break;
      case 'r': options.recipients = number(optarg); break;
      case 'R': options.pace.random_delay = std::chrono::seconds(number(optarg, 0)); break;
      case 's': options.pace.sessions = number(optarg); break;
      case 't': options.recipient = optarg; break;
      case 'v': break;
      case 'w': options.pace.fixed_delay = std::chrono::seconds(number(optarg, 0)); break;
      default: maillog::fatal("{}", usage);
    }
  }
  if (argc - optind != 1) maillog::fatal("{}", usage);
  options.target = argv[optind];
  if (options.host_name.empty()) options.host_name = load::host_name();
  if (options.sender.empty()) options.sender = "foo@" + options.host_name;
  if (options.recipient.empty()) options.recipient = "foo@" + options.host_name;
  return options;
}

// A header, and lines that grow, cut to the wanted length.
std::string content(const Options& options) {
  std::string out = fmt::format("From: <{}>\nTo: <{}>\nDate: {}\nMessage-Id: <{}@{}>\n\n", options.sender, options.recipient,
                                mail::rfc5322_date(base::system_clock().stamp()), ::getpid(), options.host_name);
  for (std::size_t line = 1; out.size() < options.length; ++line) out += std::string(std::min(line, longest_line), 'X') + "\n";
  out.resize(options.length - 1);
  return out + "\n";
}

std::string request(const Options& options) {
  std::string message;
  io::append_netstring(message, content(options));
  io::append_netstring(message, options.sender);
  for (int i = 0; i < options.recipients; ++i) {
    io::append_netstring(message, options.recipients == 1 ? options.recipient : std::to_string(i) + options.recipient);
  }
  std::string out;
  io::append_netstring(out, message);
  return out;
}

io::Stream connect(const Options& options, const load::Target& target) {
  for (int attempt = 1;; ++attempt) {
    Result<Fd> fd = load::connect(target, {}, base::after(load::time_limit));
    if (fd) return io::Stream(std::move(*fd));
    if (attempt >= options.pace.connect_attempts) maillog::fatal("{}", fd.error().message());
    maillog::warning("{}", fd.error().message());
    event::sleep_until(base::after(reconnect_pause));
  }
}

// One connection carries one message.
void deliver(const Options& options, const load::Target& target, const std::string& bytes) {
  io::Stream stream = connect(options, target);
  const Deadline deadline = base::after(load::time_limit);
  stream.write(bytes, deadline);
  const io::Netstring reply = io::read_netstring(stream, deadline, reply_limit);
  switch (reply.end) {
    case io::NetstringEnd::ok: break;
    case io::NetstringEnd::malformed:
    case io::NetstringEnd::too_long: maillog::fatal("netstring format error while receiving server reply");
    case io::NetstringEnd::timeout: maillog::fatal("timeout while receiving server reply");
    case io::NetstringEnd::eof:
    case io::NetstringEnd::error: maillog::fatal("lost connection while receiving server reply");
  }
  const std::string_view text = std::string_view(reply.data).substr(reply.data.empty() ? 0 : 1);
  switch (reply.data.empty() ? '\0' : reply.data.front()) {
    case 'K': return;
    case 'Z': maillog::fatal("recoverable error: {}", text);
    case 'D': maillog::fatal("unrecoverable error: {}", text);
    default: maillog::fatal("unrecognized error: {}", reply.data);
  }
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/qmqp-source");
  const Options options = parse_options(argc, argv);
  load::raise_descriptor_limit();
  const auto target = load::Target::to_connect(options.target, "628", options.families);
  if (!target) maillog::fatal("{}", target.error().message());
  const std::string bytes = request(options);
  load::Work work(options.pace);
  load::run_sessions(work, "qmqp-source", [&] {
    while (work.take()) {
      work.wait();
      deliver(options, *target, bytes);
      work.count();
    }
  });
}
