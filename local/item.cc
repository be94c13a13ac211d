// Commands and files that an alias, .forward or :include: names.

#include <algorithm>
#include <utility>

#include <sys/types.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "local/environment.h"
#include "local/expansion.h"

namespace local {
namespace {

constexpr std::string_view command_diagnosis = "x-unix";

}  // namespace

void Expansion::run_command(const Step& step, const Rights& rights, const std::string& command) {
  if (!duplicates_.is_first(fmt::format("command {}", rights.who.uid), command)) return;
  if (request_.verify_only) return sent(step, "delivers to command: " + command);
  const Name name = parse(step);

  mailbox::CommandTask task;
  task.message = task_message(step, "command");
  task.command = command;
  task.shell = agent_.params.local_command_shell;
  task.time_limit = agent_.params.command_time_limit;
  task.file_size_limit = agent_.params.mailbox_size_limit;
  if (!agent_.params.command_execution_directory.empty()) {
    Macros values = macros(step, name, nullptr);
    values.home = rights.home;
    values.shell = rights.shell;
    const auto directory =
        expand(agent_.params.command_execution_directory, values, agent_.params.execution_directory_expansion_filter);
    if (!directory) {
      maillog::warning("command_execution_directory: {}", directory.error().message());
      return deferred(step, {4, 3, 5}, "mail system configuration error");
    }
    task.directory = *directory;
  }
  CommandContext context;
  context.user = rights.user.empty() ? name.user : rights.user;
  context.home = rights.home;
  context.shell = rights.shell;
  context.local = name.local;
  context.extension = name.extension;
  context.domain = name.domain;
  context.recipient = step.recipient.address;
  context.original_recipient = step.recipient.original.empty() ? step.recipient.address : step.recipient.original;
  context.sender = step.sender;
  task.environment = command_environment(agent_.exported_environment, context, request_, agent_.params.command_expansion_filter);

  const auto answer = agent_.workers->ask(rights.who, task, task.time_limit);
  if (!answer) return conclude(step, answer, {}, {});
  for (const std::string& line : answer->fatal) maillog::write(maillog::Level::fatal, line);
  const mail::Dsn dsn = mail::Dsn::parse(answer->dsn).value_or(mail::Dsn(4, 3, 0));
  if (dsn.is_success()) return conclude(step, answer, "delivered to command: " + command, {});

  for (const std::string& warning : answer->warnings) maillog::warning("{}", warning);
  delivery::Delivery delivery;
  delivery.status = dsn.is_permanent() ? delivery::Status::bounced : delivery::Status::deferred;
  delivery.dsn = dsn;
  delivery.reason = answer->reason;
  delivery.diag_type = command_diagnosis;
  delivery.diag_text = ascii::trim(answer->diagnosis.empty() ? answer->reason : answer->diagnosis);
  std::ranges::replace(delivery.diag_text, '\n', ' ');
  report(step, std::move(delivery));
}

void Expansion::deliver_to_file(const Step& step, const std::string& path) {
  const mailbox::Identity who = step.rights.who;
  if (!duplicates_.is_first(fmt::format("file {}", who.uid), path)) return;
  if (request_.verify_only) return sent(step, path.ends_with('/') ? "delivers to maildir" : "delivers to file: " + path);
  if (path.ends_with('/')) return run_maildir(step, who, path, {});
  mailbox::MboxTask task = mbox_task(step, path, who);
  task.regular_only = false;
  task.need_dotlock = false;
  run_mbox(step, who, std::move(task), "delivered to file: " + path, fmt::format("cannot append message to file {}: ", path), {});
}

}  // namespace local
