// smtp-sink(1): an SMTP or LMTP server that takes mail and throws it away, refuses it, or writes it to files. For tests of
// clients. It reads the network and needs no rights: as root it becomes the user of -u once it listens.

#include <cstdio>
#include <cstdlib>

#include <syslog.h>
#include <unistd.h>

#include <fmt/core.h>

#include "commands/load/acceptor.h"
#include "commands/load/smtp-sink/options.h"
#include "commands/load/smtp-sink/session.h"
#include "lib/log/log.h"
#include "lib/process/account.h"

namespace {

template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::fatal("{}", result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::optional<process::Account> find_user(const std::string& name) {
  if (name.empty()) return std::nullopt;
  auto account = process::find_account(name);
  if (!account && account.error().code() == 0) maillog::fatal("unknown user: {}", name);
  return or_fatal(std::move(account));
}

// In this order: the account is looked up before the root changes.
void give_up_rights(const smtp_sink::Options& options) {
  const auto account = find_user(options.user);
  ::tzset();
  ::openlog("smtp-sink", LOG_PID | LOG_NDELAY, LOG_MAIL);
  if (!options.root.empty() && (::chroot(options.root.c_str()) != 0 || ::chdir("/") != 0)) {
    maillog::fatal("{}", base::Error::system("chroot(" + options.root + ")").message());
  }
  if (account) or_fatal(process::become(*account));
}

class Sink {
 public:
  explicit Sink(const smtp_sink::Options& options) : options_(options) {}

  void serve(Fd client) {
    smtp_sink::Session session(options_, counters_, std::move(client), [this] { message_came(); });  // open until it is told
    session.run();
    ++counters_.sessions;
    if (options_.verbose) maillog::info("disconnect");
    show();
    if (options_.sessions > 0 && counters_.sessions == static_cast<unsigned long>(options_.sessions)) end();
  }

 private:
  void message_came() {
    show();
    if (options_.messages > 0 && counters_.messages == static_cast<unsigned long>(options_.messages)) end();
  }

  void show() const {
    if (!options_.show_counts) return;
    fmt::print("sess={} quit={} mesg={}\r", counters_.sessions, counters_.quits, counters_.messages);
    std::fflush(stdout);
  }

  // At once: the other sessions have no say.
  [[noreturn]] static void end() {
    maillog::flush();
    std::fflush(stdout);
    ::_exit(0);
  }

  const smtp_sink::Options& options_;
  smtp_sink::Counters counters_;
};

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/smtp-sink");
  const smtp_sink::Options options = smtp_sink::parse_options(argc, argv);
  load::raise_descriptor_limit();
  const load::Target target = or_fatal(load::Target::to_listen(options.target, options.families));
  auto listeners = or_fatal(load::listen(target, options.window, options.backlog));
  give_up_rights(options);
  Sink sink(options);
  load::Acceptor acceptor("smtp-sink", std::move(listeners), static_cast<std::size_t>(options.clients),
                          [&sink](Fd client) { sink.serve(std::move(client)); });
  acceptor.run();
}
