#include "lib/mailbox/worker.h"

#include <csignal>
#include <cerrno>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/io/stream.h"
#include "lib/mailbox/command.h"
#include "lib/mailbox/dotlock.h"
#include "lib/mailbox/maildir.h"
#include "lib/mailbox/mbox.h"
#include "lib/mailbox/user_file.h"
#include "lib/mailbox/worker_messages.h"

namespace mailbox {
namespace {

// An answer is small; an agent that does not read it is gone.
constexpr std::chrono::seconds answer_patience{60};

// What this worker is.
struct Self {
  LockHolder lock_holder;
  std::string failure;  // why it cannot run commands
  const QuotaBooks* quota;
};

Content content_of(const TaskMessage& message, Format format) {
  return {message.file.get(), message.data_offset,
          {message.sender, message.original_to, message.delivered_to, message.arrived}, format};
}

TaskOutcome on_the_wire(Outcome outcome) {
  return {outcome.dsn.text(), std::move(outcome.reason), std::move(outcome.warnings), {}, {}, outcome.begins};
}

TaskOutcome perform(const MboxTask& task, const Self& self) {
  MboxTarget target;
  target.path = task.path;
  target.rules.below = task.below;
  target.rules.ownership = task.owner_only ? Ownership::recipient : Ownership::any;
  target.rules.owner = static_cast<uid_t>(task.owner);
  target.rules.group = static_cast<gid_t>(task.group);
  target.rules.regular_only = task.regular_only;
  target.locks = {task.lock_fcntl, task.lock_flock, task.lock_dotlock};
  target.patience = {task.lock_attempts, task.lock_delay, task.stale_lock_time};
  target.need_dotlock = task.need_dotlock;
  target.size_limit = task.size_limit;
  target.first_try = task.first_try;
  Content content = content_of(task.message, Format::mbox);
  return on_the_wire(append_to_mbox(target, content, self.lock_holder));
}

TaskOutcome perform(const MaildirTask& task, const Self& self) {
  Content content = content_of(task.message, Format::maildir);
  const MaildirTarget target{.path = task.path,
                             .below = task.below,
                             .host = task.host,
                             .size_limit = task.size_limit,
                             .names_sizes = task.names_sizes,
                             .quota = {self.quota, task.quota, task.quota_is_temporary}};
  return on_the_wire(deliver_to_maildir(target, content));
}

TaskOutcome perform(const QuotaTask& task, const Self& self) {
  return on_the_wire(check_room({.path = task.path, .below = {}, .host = {}, .quota = {self.quota, task.quota, task.is_temporary}}, task.bytes));
}

TaskOutcome concluded(Result<CommandResult> result, std::string_view command) {
  if (!result) return on_the_wire({{4, 3, 0}, result.error().message(), {}});
  TaskOutcome answer = on_the_wire(judge(*result, command));
  answer.fatal = std::move(result->fatal);
  answer.diagnosis = diagnosis(*result);
  return answer;
}

TaskOutcome perform(const CommandTask& task, const Self&) {
  const CommandTarget target{.command = task.command,
                             .shell = task.shell,
                             .directory = task.directory,
                             .environment = task.environment,
                             .time_limit = task.time_limit,
                             .file_size_limit = task.file_size_limit};
  Content content = content_of(task.message, Format::command);
  return concluded(run_command(target, content), task.command);
}

TaskOutcome perform(const PipeTask& task, const Self& self) {
  if (!self.failure.empty()) {
    return concluded(CommandResult{.status = EX_TEMPFAIL, .fatal = {self.failure}}, task.arguments.front());
  }
  const CommandTarget target{.arguments = task.arguments,
                             .directory = task.directory,
                             .environment = task.environment,
                             .time_limit = task.time_limit,
                             .agent = "pipe"};
  Content content(task.file.get(), task.data_offset,
                  Shape{.heading = task.heading,
                        .line_end = task.line_end,
                        .quotes_from = task.quotes_from,
                        .doubles_dots = task.doubles_dots,
                        .ends_with_empty_line = task.ends_with_empty_line});
  return concluded(run_command(target, content), task.arguments.front());
}

FileAnswer on_the_wire(Result<UserFile> file) {
  FileAnswer answer;
  if (!file) {
    answer.failure = file.error().message();
    return answer;
  }
  answer.found = file->found;
  answer.path = std::move(file->path);
  answer.destinations = std::move(file->destinations);
  answer.warnings = std::move(file->warnings);
  answer.owner = file->owner;
  answer.group = file->group;
  return answer;
}

FileAnswer perform(const ForwardTask& task, const Self& self) {
  struct stat status {};
  if (!task.home.empty() && ::stat(task.home.c_str(), &status) != 0) {
    FileAnswer answer;
    answer.failure = base::Error::system("cannot access home directory " + task.home).message();
    return answer;
  }
  FileAnswer answer = on_the_wire(read_forward(task.paths, static_cast<uid_t>(task.user)));
  if (!answer.failure.empty() || !answer.destinations.empty()) return answer;
  for (const MaildirTask& delivery : task.otherwise) answer.outcomes.push_back(perform(delivery, self));
  return answer;
}

FileAnswer perform(const IncludeTask& task, const Self&) { return on_the_wire(read_include(task.path)); }

// False when the conversation is over.
template <class Request>
bool serve(io::Stream& stream, const Self& self) {
  const auto request = ipc::receive<Request>(stream, base::after(answer_patience));
  if (!request) return false;
  ipc::send(stream, perform(*request, self), base::after(answer_patience));
  return stream.flush(base::after(answer_patience)) == io::End::ok;
}

bool serve(io::Stream& stream, Task task, const Self& self) {
  switch (task) {
    case Task::mbox: return serve<MboxTask>(stream, self);
    case Task::maildir: return serve<MaildirTask>(stream, self);
    case Task::quota: return serve<QuotaTask>(stream, self);
    case Task::command: return serve<CommandTask>(stream, self);
    case Task::pipe: return serve<PipeTask>(stream, self);
    case Task::forward: return serve<ForwardTask>(stream, self);
    case Task::include: return serve<IncludeTask>(stream, self);
  }
  return false;
}

// All rights but those of the user. An agent that is not root serves its own uid only.
bool become(uid_t uid, gid_t gid) {
  if (::geteuid() != 0) return ::geteuid() == uid;
  if (::setgroups(1, &gid) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) return false;
  return uid == 0 || ::setuid(0) != 0;
}

}  // namespace

void serve_tasks(Fd connection, const std::string& failure, const QuotaBooks* quota) {
  io::Stream stream(std::move(connection));
  const Self self{LockHolder::self(), failure, quota};
  for (;;) {
    const auto task = ipc::receive<WorkerTask>(stream, base::no_deadline);
    if (!task || !serve(stream, task->task, self)) return;
    // What a command has left in the background and has ended since.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

void run_worker(Fd connection, uid_t uid, gid_t gid, const WorkerLife& life) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  ::umask(077);
  // Only the connection, under a number that is known, stays open.
  constexpr int number = 3;
  if (connection.get() != number) {
    if (::dup3(connection.get(), number, O_CLOEXEC) < 0) ::_exit(1);
    connection.reset(number);
  }
  ::close_range(number + 1, ~0U, 0);
  std::string failure;
  if (!life.root.empty() && (::chroot(life.root.c_str()) != 0 || ::chdir("/") != 0)) {
    failure = base::Error::system(fmt::format("chroot({})", life.root)).message();
  }
  if (life.before_change) life.before_change();
  if (!become(uid, gid)) ::_exit(1);
  // After setuid: a change of identity takes these back. No user may look into or follow a worker of his own.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (life.serve) life.serve(std::move(connection), failure);
  else serve_tasks(std::move(connection), failure, life.quota);
  ::_exit(0);
}

}  // namespace mailbox
