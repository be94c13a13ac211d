#include "submit/sendmail/actions.h"

#include <cstdio>
#include <vector>

#include <sysexits.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/process/process.h"
#include "submit/environment.h"
#include "submit/sendmail/enqueue.h"
#include "submit/sendmail/submission.h"

namespace sendmail {
namespace {

// Runs a program of ours with our descriptors and a clean environment, and takes its exit status.
int run_program(const Params& params, const Options& options, const std::string& config_directory,
                std::vector<std::string> argv) {
  process::Program program;
  program.argv = std::move(argv);
  program.environment = submit::clean_environment(params.import_environment);
  if (options.config_directory) {
    std::erase_if(program.environment, [](const std::string& item) { return item.starts_with("MAIL_CONFIG="); });
    program.environment.push_back("MAIL_CONFIG=" + config_directory);
  }
  auto child = process::Process::start(program);
  if (!child) maillog::exit_fatal(child.error().message(), EX_OSFILE);
  const process::Exit exit = child->wait();
  return exit.signalled ? EX_SOFTWARE : exit.status;
}

int run_command(const Params& params, const Options& options, const std::string& config_directory,
                std::vector<std::string> argv) {
  argv.front() = params.command_directory + "/" + argv.front();
  return run_program(params, options, config_directory, std::move(argv));
}

int deliver(const Params& params, const Options& options, const submit::User& user, const std::string& config_directory) {
  const std::string sender = options.sender ? parse_sender(*options.sender).address : user.name;
  const auto fail = [&](std::string_view why) {
    maillog::exit_fatal(fmt::format("{}({}): {}", sender, user.uid, why), EX_TEMPFAIL);
  };
  if (options.recipients.empty() && !options.extract_recipients) {
    fail("Recipient addresses must be specified on the command line or via the -t option");
  }
  if (const auto done = enqueue(params, options, user, config_directory); !done) {
    // A complaint about an option is no failure of the queue.
    if (done.error().message().starts_with("-V requires")) maillog::exit_fatal(done.error().message(), EX_TEMPFAIL);
    fail(done.error().message());
  }
  if (options.mode == Mode::verify || options.report) {
    fmt::print("Mail Delivery Status Report will be mailed to <{}>.\n", options.sender.value_or(user.name));
  }
  return EX_OK;
}

int init_aliases(const Params& params, const Options& options, const std::string& config_directory) {
  std::vector<std::string> argv{"postalias"};
  if (!options.alias_file.empty()) {
    argv.push_back(options.alias_file);
  } else {
    for (const std::string_view table : ascii::split(params.alias_database, ", \t\r\n")) argv.emplace_back(table);
  }
  if (argv.size() == 1) return EX_OK;  // there is nothing to build
  return run_command(params, options, config_directory, std::move(argv));
}

}  // namespace

int run(const Params& params, const Options& options, const submit::User& user, const std::string& config_directory) {
  switch (options.mode) {
    case Mode::deliver:
    case Mode::verify: return deliver(params, options, user, config_directory);
    case Mode::list_queue: return run_command(params, options, config_directory, {"postqueue", "-p"});
    case Mode::init_aliases: return init_aliases(params, options, config_directory);
    case Mode::daemon:
      // As with Postfix the outcome is told by postfix(1), not by the exit status.
      static_cast<void>(run_command(params, options, config_directory, {"postfix", "start"}));
      return EX_OK;
    case Mode::dialogue: return run_program(params, options, config_directory, {params.daemon_directory + "/smtpd", "-S"});
    case Mode::flush: return run_command(params, options, config_directory, {"postqueue", "-f"});
    case Mode::flush_site: return run_command(params, options, config_directory, {"postqueue", "-s", options.flush_site});
    case Mode::flush_message: return run_command(params, options, config_directory, {"postqueue", "-i", options.flush_message});
    case Mode::nothing: return EX_OK;
  }
  return EX_SOFTWARE;
}

}  // namespace sendmail
