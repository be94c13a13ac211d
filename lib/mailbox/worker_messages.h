#pragma once
// What an agent asks of a worker: a process that has become a user. On their connection a WorkerTask says which request
// follows; each has its answer. The agent also talks to the spawner, which makes workers.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/message.h"

namespace mailbox {

enum class Task { mbox, maildir, quota, command, pipe, forward, include };

struct WorkerTask {
  Task task = Task::mbox;
  static constexpr auto fields = std::tuple{ipc::Field{"task", &WorkerTask::task}};
};

// The message to deliver: a read-only description of its queue file, and what is put in front.
struct TaskMessage {
  Fd file;
  std::int64_t data_offset = 0;
  std::string sender, original_to, delivered_to;
  Stamp arrived{};
  static constexpr auto fields = std::tuple{
      ipc::Field{"file", &TaskMessage::file},
      ipc::Field{"data_offset", &TaskMessage::data_offset},
      ipc::Field{"sender", &TaskMessage::sender},
      ipc::Field{"original_to", &TaskMessage::original_to},
      ipc::Field{"delivered_to", &TaskMessage::delivered_to},
      ipc::Field{"arrived", &TaskMessage::arrived},
  };
};

// Outcome, on the wire.
struct TaskOutcome {
  std::string dsn;
  std::string reason;
  std::vector<std::string> warnings;
  std::vector<std::string> fatal;   // a command's, to be logged as "fatal:"
  std::string diagnosis;            // a command's: its output, or what its exit status means
  std::int64_t begins = 0;          // of a message in mbox form: its offset in the file
  static constexpr auto fields = std::tuple{
      ipc::Field{"dsn", &TaskOutcome::dsn},           ipc::Field{"reason", &TaskOutcome::reason},
      ipc::Field{"warning", &TaskOutcome::warnings},  ipc::Field{"fatal", &TaskOutcome::fatal},
      ipc::Field{"diagnosis", &TaskOutcome::diagnosis}, ipc::Field{"begins", &TaskOutcome::begins},
  };
};

// Append to a file in mbox form (MboxTarget).
struct MboxTask {
  using Answer = TaskOutcome;
  static constexpr Task task = Task::mbox;
  TaskMessage message;
  std::string path, below;
  bool owner_only = true;        // strict_mailbox_ownership
  std::int64_t owner = 0, group = 0;
  bool regular_only = true, need_dotlock = true;
  bool lock_fcntl = false, lock_flock = false, lock_dotlock = false;
  int lock_attempts = 1;
  std::chrono::seconds lock_delay{1}, stale_lock_time{500};
  std::int64_t size_limit = 0;
  bool first_try = false;
  static constexpr auto fields = std::tuple{
      ipc::Field{"message", &MboxTask::message},
      ipc::Field{"path", &MboxTask::path},
      ipc::Field{"below", &MboxTask::below},
      ipc::Field{"owner_only", &MboxTask::owner_only},
      ipc::Field{"owner", &MboxTask::owner},
      ipc::Field{"group", &MboxTask::group},
      ipc::Field{"regular_only", &MboxTask::regular_only},
      ipc::Field{"need_dotlock", &MboxTask::need_dotlock},
      ipc::Field{"lock_fcntl", &MboxTask::lock_fcntl},
      ipc::Field{"lock_flock", &MboxTask::lock_flock},
      ipc::Field{"lock_dotlock", &MboxTask::lock_dotlock},
      ipc::Field{"lock_attempts", &MboxTask::lock_attempts},
      ipc::Field{"lock_delay", &MboxTask::lock_delay},
      ipc::Field{"stale_lock_time", &MboxTask::stale_lock_time},
      ipc::Field{"size_limit", &MboxTask::size_limit},
      ipc::Field{"first_try", &MboxTask::first_try},
  };
};

struct MaildirTask {
  using Answer = TaskOutcome;
  static constexpr Task task = Task::maildir;
  TaskMessage message;
  std::string path, below, host;
  std::int64_t size_limit = 0;
  bool names_sizes = false;
  std::string quota;               // QuotaRule's limit
  bool quota_is_temporary = false;
  static constexpr auto fields = std::tuple{
      ipc::Field{"message", &MaildirTask::message}, ipc::Field{"path", &MaildirTask::path},
      ipc::Field{"below", &MaildirTask::below},     ipc::Field{"host", &MaildirTask::host},
      ipc::Field{"size_limit", &MaildirTask::size_limit}, ipc::Field{"names_sizes", &MaildirTask::names_sizes},
      ipc::Field{"quota", &MaildirTask::quota}, ipc::Field{"quota_is_temporary", &MaildirTask::quota_is_temporary},
  };
};

// Whether a message of so many bytes would have room in a Maildir; nothing is delivered.
struct QuotaTask {
  using Answer = TaskOutcome;
  static constexpr Task task = Task::quota;
  std::string path, quota;
  bool is_temporary = false;
  std::int64_t bytes = 0;
  static constexpr auto fields = std::tuple{ipc::Field{"path", &QuotaTask::path}, ipc::Field{"quota", &QuotaTask::quota},
                                            ipc::Field{"is_temporary", &QuotaTask::is_temporary}, ipc::Field{"bytes", &QuotaTask::bytes}};
};

struct CommandTask {
  using Answer = TaskOutcome;
  static constexpr Task task = Task::command;
  TaskMessage message;
  std::string command, shell, directory;
  std::vector<std::string> environment;
  std::chrono::seconds time_limit{1000};
  std::int64_t file_size_limit = 0;
  static constexpr auto fields = std::tuple{
      ipc::Field{"message", &CommandTask::message},
      ipc::Field{"command", &CommandTask::command},
      ipc::Field{"shell", &CommandTask::shell},
      ipc::Field{"directory", &CommandTask::directory},
      ipc::Field{"environment", &CommandTask::environment},
      ipc::Field{"time_limit", &CommandTask::time_limit},
      ipc::Field{"file_size_limit", &CommandTask::file_size_limit},
  };
};

// A command of master.cf, with the message in the form that its flags ask for (Shape).
struct PipeTask {
  using Answer = TaskOutcome;
  static constexpr Task task = Task::pipe;
  Fd file;                               // as TaskMessage's
  std::int64_t data_offset = 0;
  std::string heading, line_end;
  bool quotes_from = false, doubles_dots = false, ends_with_empty_line = false;
  std::vector<std::string> arguments;    // the program first
  std::string directory;
  std::vector<std::string> environment;
  std::chrono::seconds time_limit{1000};
  static constexpr auto fields = std::tuple{
      ipc::Field{"file", &PipeTask::file},
      ipc::Field{"data_offset", &PipeTask::data_offset},
      ipc::Field{"heading", &PipeTask::heading},
      ipc::Field{"line_end", &PipeTask::line_end},
      ipc::Field{"quotes_from", &PipeTask::quotes_from},
      ipc::Field{"doubles_dots", &PipeTask::doubles_dots},
      ipc::Field{"ends_with_empty_line", &PipeTask::ends_with_empty_line},
      ipc::Field{"argument", &PipeTask::arguments},
      ipc::Field{"directory", &PipeTask::directory},
      ipc::Field{"environment", &PipeTask::environment},
      ipc::Field{"time_limit", &PipeTask::time_limit},
  };
};

// UserFile, on the wire. `failure`: try again later, and why.
struct FileAnswer {
  bool found = false;
  std::string path;
  std::vector<std::string> destinations;
  std::vector<std::string> warnings;
  std::int64_t owner = 0, group = 0;
  std::string failure;
  std::vector<TaskOutcome> outcomes;  // of ForwardTask's `otherwise`, if it came to it
  static constexpr auto fields = std::tuple{
      ipc::Field{"found", &FileAnswer::found},       ipc::Field{"path", &FileAnswer::path},
      ipc::Field{"destination", &FileAnswer::destinations}, ipc::Field{"warning", &FileAnswer::warnings},
      ipc::Field{"owner", &FileAnswer::owner},       ipc::Field{"group", &FileAnswer::group},
      ipc::Field{"failure", &FileAnswer::failure}, ipc::Field{"outcome", &FileAnswer::outcomes},
  };
};

// The first that exists of the paths of a user's .forward files. `home`: not empty: must exist (require_home_directory).
// `otherwise`: what is done at once, without another question, when there are no destinations.
struct ForwardTask {
  using Answer = FileAnswer;
  static constexpr Task task = Task::forward;
  std::vector<std::string> paths;
  std::int64_t user = 0;
  std::string home;
  std::vector<MaildirTask> otherwise;
  static constexpr auto fields =
      std::tuple{ipc::Field{"path", &ForwardTask::paths}, ipc::Field{"user", &ForwardTask::user},
                 ipc::Field{"home", &ForwardTask::home}, ipc::Field{"otherwise", &ForwardTask::otherwise}};
};

struct IncludeTask {
  using Answer = FileAnswer;
  static constexpr Task task = Task::include;
  std::string path;
  static constexpr auto fields = std::tuple{ipc::Field{"path", &IncludeTask::path}};
};

// To the spawner. `number` is the agent's own for the worker. There is no answer: a worker that cannot be made is a
// connection that ends at once.
enum class SpawnerOrder { start, end };
struct SpawnerRequest {
  SpawnerOrder order = SpawnerOrder::start;
  std::int64_t number = 0;
  std::int64_t uid = 0, gid = 0;
  Fd connection;                 // the worker's end; of an `end`: anything
  static constexpr auto fields = std::tuple{
      ipc::Field{"order", &SpawnerRequest::order}, ipc::Field{"number", &SpawnerRequest::number},
      ipc::Field{"uid", &SpawnerRequest::uid},     ipc::Field{"gid", &SpawnerRequest::gid},
      ipc::Field{"connection", &SpawnerRequest::connection},
  };
};

}  // namespace mailbox
