#include "pipe/spawn/service.h"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/mailbox/environment.h"
#include "pipe/attributes.h"
#include "pipe/spawn/spawn_params.h"

namespace spawn {
namespace {

// Where a program without a '/' in its name is found, by the PATH that it will have.
std::string path_of(const std::string& program, const std::vector<std::string>& environment) {
  constexpr std::string_view name = "PATH=";
  if (program.contains('/')) return program;
  const auto path = std::ranges::find_if(environment, [&](const std::string& entry) { return entry.starts_with(name); });
  for (const std::string_view directory : ascii::split(std::string_view(*path).substr(name.size()), ":")) {
    std::string found = fmt::format("{}/{}", directory, program);
    if (::access(found.c_str(), X_OK) == 0) return found;
  }
  return program;
}

// A command that runs. It does not outlive this: a fiber that is cancelled ends it.
class Running {
 public:
  explicit Running(process::Process process)
      : process_(std::move(process)), handle_(static_cast<int>(::syscall(SYS_pidfd_open, process_.pid(), 0))) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (!ended_) kill();
  }

  // None when it still runs at the deadline.
  std::optional<process::Exit> wait(Deadline deadline) {
    if (handle_ && !event::wait_fd(handle_.get(), event::Ready::readable, deadline)) return std::nullopt;
    ended_ = true;
    return process_.wait();
  }
  // It, and what it has started and has not left its session.
  process::Exit kill() {
    ended_ = true;
    ::kill(-process_.pid(), SIGKILL);
    process_.signal(SIGKILL);
    return process_.wait();
  }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  process::Process process_;
  Fd handle_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  std::unique_ptr<Server> server(new Server);
  pipe_agent::Attributes attributes = TRY(pipe_agent::parse_spawn_attributes(startup.arguments));
  server->user_ = TRY(pipe_agent::find_spawn_identity(attributes, params.mail_owner));
  server->arguments_ = std::move(attributes.arguments);
  server->environment_ = mailbox::with_path(mailbox::exported_environment(params.export_environment));
  server->time_limit_ = TRY(startup.main.time(startup.service + "_time_limit"));
  return server;
}

void Server::serve(server::Connection& connection) {
  // Commands expect to wait for their input.
  ::fcntl(connection.stream.fd(), F_SETFL, ::fcntl(connection.stream.fd(), F_GETFL) & ~O_NONBLOCK);
  process::Program program{.argv = arguments_, .environment = environment_, .own_session = true};
  program.path = path_of(arguments_.front(), environment_);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) program.descriptors.emplace_back(connection.stream.fd(), number);
  if (::geteuid() == 0) program.identity = {user_.uid, user_.gid};
  auto started = process::Process::start(program);
  if (!started) {
    maillog::write(maillog::Level::fatal, fmt::format("spawn_comand: execvp {}", started.error().message()));
    return maillog::warning("command {} exit status 1", arguments_.front());
  }
  Running command(std::move(*started));
  auto exit = command.wait(base::after(time_limit_));
  if (!exit) {
    maillog::warning("{}: process id {}: command time limit exceeded", arguments_.front(), command.pid());
    exit = command.kill();
  }
  if (exit->signalled) return maillog::warning("command {} killed by signal {}", arguments_.front(), exit->status);
  if (exit->status != 0) maillog::warning("command {} exit status {}", arguments_.front(), exit->status);
}

}  // namespace spawn
