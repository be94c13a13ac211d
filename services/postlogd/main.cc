// postlogd: writes $maillog_file. Reads datagrams of finished log lines from any program that may reach public/postlog,
// trusts none of them, and takes only so much from accounts that are no part of the mail system. Opens the file before root
// is given up, keeps only that descriptor. When it dies, senders keep their lines for a while; mail is never held up by it.

#include <algorithm>
#include <chrono>
#include <optional>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"
#include "lib/server/datagram_sender.h"
#include "lib/server/service.h"
#include "services/postlogd/postlogd_params.h"
#include "services/postlogd/strangers.h"

namespace {

// A line is in the file this much later, and several hundred of a busy system are written at once. Only where the kernel lets so
// many datagrams wait that no sender waits for room.
constexpr std::chrono::milliseconds lines_may_lie{3};
constexpr std::uint64_t datagrams_that_are_enough = 128;

std::uint64_t datagrams_that_may_wait() {
  const auto text = io::read_file("/proc/sys/net/unix/max_dgram_qlen", 32);
  return text ? ascii::parse_number(ascii::trim(*text)).value_or(0) : 0;
}

class Logger : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup) {
    const auto params = TRY(postlogd::Params::load(startup.main));
    const std::string& path = params.maillog_file;
    const auto prefixes = ascii::split(params.maillog_file_prefixes, ", \t\r\n");
    const bool allowed = std::ranges::any_of(prefixes, [&](std::string_view prefix) { return path.starts_with(prefix); });
    if (path.empty()) return base::fail("maillog_file is not set");
    if (!allowed) return base::fail("maillog_file " + path + " is not below any directory of maillog_file_prefixes");
    const mode_t mode = TRY(config::log_file_mode(params.maillog_file_permissions));
    if (!maillog::open_file(path, mode)) return base::fail_system("open " + path);
    maillog::open({.target = maillog::Target::file, .path = path, .file_mode = mode});
    return std::make_unique<Logger>(datagrams_that_may_wait() >= datagrams_that_are_enough);
  }

  explicit Logger(bool gathers) : gathers_(gathers) {}

  void serve(server::Connection& connection) override { static_cast<void>(connection); }

  // The account is known only now.
  void started() override { strangers_.emplace(::geteuid()); }

  void datagram(std::string_view bytes) override {
    const auto now = std::chrono::steady_clock::now();
    for (const std::string_view line : ascii::split(bytes, "\n")) {
      if (strangers_->may_log(server::datagram_sender(), now)) maillog::write_composed(ascii::printable(line.substr(0, maillog::line_limit)));
    }
  }

  [[nodiscard]] std::chrono::milliseconds datagrams_may_lie() const override { return gathers_ ? lines_may_lie : std::chrono::milliseconds(0); }

  void draining() override {
    if (strangers_) strangers_->tell();
  }

 private:
  const bool gathers_;
  std::optional<postlogd::Strangers> strangers_;
};

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv, {.name = "postlogd",
                                  .kind = server::Kind::datagrams,
                                  .needs = {.connects_unix = false, .accepts = false},
                                  .make = &Logger::make,
                                  .stays = true});
}
