#include "lib/mailbox/worker.h"

#include <csignal>
#include <cerrno>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

Content content_of(const TaskMessage& message, Format format) {
  return {message.file.get(), message.data_offset,
          {message.sender, message.original_to, message.delivered_to, message.arrived}, format};
}

TaskOutcome on_the_wire(Outcome outcome) {
  return {outcome.dsn.text(), std::move(outcome.reason), std::move(outcome.warnings), {}, {}};
}

TaskOutcome perform(const MboxTask& task, const LockHolder& self) {
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
  Content content = content_of(task.message, Format::mbox);
  return on_the_wire(append_to_mbox(target, content, self));
}

TaskOutcome perform(const MaildirTask& task, const LockHolder&) {
  Content content = content_of(task.message, Format::maildir);
  return on_the_wire(deliver_to_maildir({task.path, task.below, task.host, task.size_limit}, content));
}

TaskOutcome perform(const CommandTask& task, const LockHolder&) {
  const CommandTarget target{task.command, task.shell, task.directory, task.environment, task.time_limit, task.file_size_limit};
  Content content = content_of(task.message, Format::command);
  auto result = run_command(target, content);
  if (!result) return on_the_wire({{4, 3, 0}, result.error().message(), {}});
  TaskOutcome answer = on_the_wire(judge(*result, task.command));
  answer.fatal = std::move(result->fatal);
  answer.diagnosis = diagnosis(*result);
  return answer;
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

FileAnswer perform(const ForwardTask& task, const LockHolder&) {
  struct stat status {};
  if (!task.home.empty() && ::stat(task.home.c_str(), &status) != 0) {
    FileAnswer answer;
    answer.failure = base::Error::system("cannot access home directory " + task.home).message();
    return answer;
  }
  return on_the_wire(read_forward(task.paths, static_cast<uid_t>(task.user)));
}

FileAnswer perform(const IncludeTask& task, const LockHolder&) { return on_the_wire(read_include(task.path)); }

// False when the conversation is over.
template <class Request>
bool serve(io::Stream& stream, const LockHolder& self) {
  const auto request = ipc::receive<Request>(stream, base::after(answer_patience));
  if (!request) return false;
  ipc::send(stream, perform(*request, self), base::after(answer_patience));
  return stream.flush(base::after(answer_patience)) == io::End::ok;
}

bool serve(io::Stream& stream, Task task, const LockHolder& self) {
  switch (task) {
    case Task::mbox: return serve<MboxTask>(stream, self);
    case Task::maildir: return serve<MaildirTask>(stream, self);
    case Task::command: return serve<CommandTask>(stream, self);
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

void serve_tasks(Fd connection) {
  io::Stream stream(std::move(connection));
  const LockHolder self = LockHolder::self();
  for (;;) {
    const auto task = ipc::receive<WorkerTask>(stream, base::no_deadline);
    if (!task || !serve(stream, task->task, self)) return;
    // What a command has left in the background and has ended since.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

void run_worker(Fd connection, uid_t uid, gid_t gid) {
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
  if (!become(uid, gid)) ::_exit(1);
  // After setuid: a change of identity takes these back. No user may look into or follow a worker of his own.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  serve_tasks(std::move(connection));
  ::_exit(0);
}

}  // namespace mailbox
