#include "master/service.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log/log.h"

namespace master {
namespace {

// A process that crashed may have met a message that crashes every process: for this long one client has one process,
// so that the message costs only itself.
constexpr std::chrono::minutes isolation_time{10};
// The stress setting outlives the moment in which a place becomes free.
constexpr std::chrono::seconds stress_hold{60};
constexpr char wakeup_byte = 'W';

// SIGKILL and SIGTERM come from outside (an administrator, the kernel out of memory); these from within.
bool is_crash(const process::Exit& exit) {
  if (!exit.signalled) return false;
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGSYS};
  return std::ranges::find(crashes, exit.status) != crashes.end();
}

}  // namespace

Service::Service(config::MasterEntry entry, std::vector<Listener> listeners, const Surroundings& surroundings)
    : entry_(std::move(entry)), listeners_(std::move(listeners)), surroundings_(surroundings) {}

void Service::start() {
  evaluate();
  if (entry_.wakeup.count() > 0) wake_up();
}

void Service::replace(config::MasterEntry entry, std::vector<Listener> listeners) {
  watch(false);
  for (auto& [pid, child] : children_) child->drain();
  entry_ = std::move(entry);
  listeners_ = std::move(listeners);
  throttle_timer_.reset();
  throttled_ = false;
  start();
}

std::vector<Listener> Service::release_listeners() {
  watch(false);
  return std::move(listeners_);
}

void Service::drain() {
  if (is_over_) return;
  watch(false);
  wakeup_timer_.reset();
  is_over_ = is_ending_ = true;
  for (auto& [pid, child] : children_) child->drain();
}

void Service::outlive() {
  is_ending_ = true;
  wakeup_timer_.reset();
  for (auto& [pid, child] : children_) child->tell(server::MasterSays::stay);
}

bool Service::is_isolated() const { return std::chrono::steady_clock::now() < isolated_until_; }

Service::Split Service::split() const {
  const auto limit = static_cast<std::size_t>(entry_.process_limit);
  if (is_isolated() && limit != 1) {
    return {limit > 0 ? limit : static_cast<std::size_t>(surroundings_.params.default_process_limit), 1};
  }
  if (limit == 0) return {surroundings_.cores, 0};
  const std::size_t processes = std::min<std::size_t>(surroundings_.cores, limit);
  return {processes, (limit + processes - 1) / processes};
}

// The one rule: while no process takes clients and there may be another one, a waiting client starts it.
void Service::evaluate() {
  const bool served = std::ranges::any_of(children_, [](const auto& entry) { return entry.second->takes_clients(); });
  watch(!served && !is_at_limit() && !throttled_ && !is_over_);
  if (!served && staying() >= split().processes) set_stress();
}

std::size_t Service::staying() const {
  const auto leaving = std::ranges::count_if(children_, [](const auto& entry) { return entry.second->state() == ChildState::leaving; });
  return children_.size() - static_cast<std::size_t>(leaving);
}

// A service of one process never has two: the successor waits. Otherwise a process that leaves with its last clients
// keeps no place: an idle client would keep new ones out for as long as it likes, after two reloads on two cores.
bool Service::is_at_limit() const {
  const auto limit = static_cast<std::size_t>(entry_.process_limit);
  if (limit > 0 && children_.size() >= limit) return true;
  return staying() >= split().processes;
}

void Service::watch(bool on) {
  if (on == watching_) return;
  watching_ = on;
  watches_.clear();
  if (!on) return;
  for (const Listener& listener : listeners_) {
    watches_.push_back(event::Loop::current().watch_readable(listener.fd.get(), [this] {
      used_ = true;
      start_child();
    }));
  }
}

void Service::set_stress() {
  stress_timer_ = event::Loop::current().timer(stress_hold, [this] {
    stressed_ = false;
    for (auto& [pid, child] : children_) child->tell(server::MasterSays::calm);
  });
  if (std::exchange(stressed_, true)) return;
  // One that is meant to be alone (qmgr, pickup) is always at its limit, and for a moment beyond it at a reload.
  if (entry_.process_limit > 1) {
    maillog::warning("service \"{}\" ({}) has reached its process limit \"{}\": new clients may experience noticeable delays",
                     entry_.name, entry_.program, entry_.process_limit);
  }
  for (auto& [pid, child] : children_) child->tell(server::MasterSays::stress);
}

std::string Service::program_path() const { return surroundings_.params.daemon_directory + "/" + entry_.program; }

std::vector<std::string> Service::arguments() const {
  const Split now = split();
  std::vector<std::string> out{program_path(),
                               "-n", entry_.name,
                               "-t", std::string(config::service_type_name(entry_.type)),
                               "-s", std::to_string(listeners_.size()),
                               "-p", std::to_string(entry_.process_limit),
                               "-l", std::to_string(now.share)};
  if (entry_.unprivileged) out.emplace_back("-u");
  if (entry_.chroot) out.emplace_back("-c");
  out.insert(out.end(), entry_.arguments.begin(), entry_.arguments.end());
  return out;
}

void Service::start_child() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    maillog::warning("{}", base::Error::system("socketpair").message());
    return throttle(restart_pause);
  }
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  process::Program program{.argv = arguments(),
                           .environment = surroundings_.environment,
                           .descriptors = {{theirs.get(), server::control_fd}},
                           .directory = surroundings_.params.queue_directory};
  int number = server::first_listener_fd;
  for (const Listener& listener : listeners_) program.descriptors.emplace_back(listener.fd.get(), number++);
  const Result<process::Process> process = process::Process::start(program);
  if (!process) {
    maillog::warning("{}: cannot start: {}", entry_.program, process.error().message());
    const std::chrono::seconds longest = surroundings_.params.service_throttle_time;
    const int code = process.error().code();
    if (code != EAGAIN && code != ENOMEM) return throttle(longest);
    // The system has no more processes or memory, and nobody says when it has again.
    return throttle(std::exchange(shortage_pause_, std::min(shortage_pause_ * 2, longest)));
  }
  shortage_pause_ = restart_pause;
  const pid_t pid = process->pid();
  children_[pid] = std::make_unique<Child>(pid, std::move(ours), [this] { evaluate(); });
  if (stressed_) children_[pid]->tell(server::MasterSays::stress);
  evaluate();
}

void Service::throttle(std::chrono::seconds wait) {
  throttled_ = true;
  throttle_timer_ = event::Loop::current().timer(wait, [this] {
    throttled_ = false;
    evaluate();
  });
  evaluate();
}

bool Service::on_child_end(pid_t pid, process::Exit exit) {
  const auto found = children_.find(pid);
  if (found == children_.end()) return false;
  const bool had_started = found->second->has_started();
  const bool was_leaving = found->second->state() == ChildState::leaving;
  const bool was_drained = found->second->is_drained();
  children_.erase(found);
  const bool was_ended = is_ending_ && exit.signalled && exit.status == SIGTERM;
  const bool ended_well = was_ended || (!exit.signalled && exit.status == 0);
  if (exit.signalled && !was_ended) {
    maillog::warning("process {} pid {} killed by signal {}", program_path(), pid, exit.status);
  } else if (!ended_well) {
    maillog::warning("process {} pid {} exit status {}", program_path(), pid, exit.status);
  }
  if (is_crash(exit)) isolated_until_ = base::after(isolation_time);
  if (!ended_well && !had_started) {
    maillog::warning("{}: bad command startup -- throttling", program_path());
    throttle(surroundings_.params.service_throttle_time);
  } else if (!ended_well && !was_leaving && is_crash(exit)) {
    throttle(restart_pause);
  } else {
    evaluate();
  }
  // What it was to do next may be known to nobody: its successor looks for work at once.
  if (!ended_well && !was_drained && !is_ending_ && entry_.wakeup.count() > 0) wake_up();
  return true;
}

// A connection of our own, with one byte: the daemon reads it like any other trigger.
void Service::wake_up() {
  wakeup_timer_ = event::Loop::current().timer(entry_.wakeup, [this] { wake_up(); });
  if (entry_.wakeup_when_used && !used_) return;
  if (entry_.type == config::ServiceType::fifo) {
    [[maybe_unused]] const ssize_t ignored = ::write(listeners_.front().fd.get(), &wakeup_byte, 1);
    return;
  }
  const std::string path = socket_path(entry_);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  path.copy(address.sun_path, path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  [[maybe_unused]] const ssize_t ignored = ::send(socket.get(), &wakeup_byte, 1, MSG_NOSIGNAL);
}

}  // namespace master
