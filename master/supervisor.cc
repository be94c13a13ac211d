#include "master/supervisor.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/config/not_installed.h"
#include "lib/io/tcp_window.h"
#include "lib/log/log.h"

namespace master {
namespace {

// What has not ended by SIGTERM within this time is killed.
constexpr std::chrono::seconds termination_limit{5};

// The environment of the children: the names of import_environment, with "name=value" entries set.
std::vector<std::string> child_environment(const Params& params, const std::string& config_directory) {
  std::vector<std::string> out{"MAIL_CONFIG=" + config_directory, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const std::string_view item : ascii::split(params.import_environment, ", \t\r\n")) {
    if (item.find('=') != std::string_view::npos) {
      out.emplace_back(item);
    } else if (const char* const value = std::getenv(std::string(item).c_str()); value != nullptr && item != "MAIL_CONFIG") {
      out.push_back(std::string(item) + "=" + value);
    }
  }
  return out;
}

bool is_same_service(const config::MasterEntry& a, const config::MasterEntry& b) {
  return a.name == b.name && a.type == b.type;
}

// At a stop the services end in this order, each rank when those before it have: who asks comes before whom it asks. A
// delivery that has begun still gets its record in defer/ or bounce/, and a notice that has begun its place in the queue.
enum class Rank {
  clients,  // all that no other rank names: what takes mail in, qmgr, delivery agents
  bounce,
  cleanup,
  helpers,
  tables,
  log,
};

Rank rank_of(const Service& service) {
  if (service.entry().type == config::ServiceType::unix_datagram) return Rank::log;
  constexpr std::array<std::pair<std::string_view, Rank>, 5> named{{{"bounce", Rank::bounce},
                                                                   {"cleanup", Rank::cleanup},
                                                                   {"trivial-rewrite", Rank::helpers},
                                                                   {"flush", Rank::helpers},
                                                                   {"proxymap", Rank::tables}}};
  const auto found = std::ranges::find(named, service.entry().program, &std::pair<std::string_view, Rank>::first);
  return found != named.end() ? found->second : Rank::clients;
}

}  // namespace

Result<void> Supervisor::read_configuration(std::vector<config::MasterEntry>& entries) {
  const config::Main main = TRY(config::Main::read(config_directory_));
  Params params = TRY(Params::load(main));
  entries = TRY(config::read_master_cf(main));
  for (const std::string& text : main.warnings()) maillog::warning("{}", text);
  for (const std::string& text : config::not_installed(params.daemon_directory, entries)) maillog::warning("{}", text);
  for (const std::string& text : config::remove_duplicates(entries)) maillog::warning("{}", text);
  config::remove_disabled(entries, params.master_service_disable);
  io::set_tcp_window(params.tcp_windowsize);
  surroundings_.environment = child_environment(params, config_directory_);
  surroundings_.params = std::move(params);
  surroundings_.cores = std::max(1U, std::thread::hardware_concurrency());
  return {};
}

Result<void> Supervisor::apply(std::vector<config::MasterEntry> entries) {
  std::vector<std::unique_ptr<Service>> before = std::move(services_);
  services_.clear();
  for (config::MasterEntry& entry : entries) {
    const std::string path = surroundings_.params.daemon_directory + "/" + entry.program;
    if (::access(path.c_str(), X_OK) != 0) continue;  // read_configuration has named it
    const auto found = std::ranges::find_if(before, [&](const auto& old) { return is_same_service(old->entry(), entry); });
    std::vector<Listener> kept;
    if (found != before.end()) kept = (*found)->release_listeners();
    Result<std::vector<Listener>> listeners = open_listeners(entry, surroundings_.params, kept);
    if (!listeners) return base::Failure(std::move(listeners).error().within(entry.name + "/" + entry.program));
    if (found != before.end()) {
      (*found)->replace(std::move(entry), std::move(*listeners));
      services_.push_back(std::move(*found));
      before.erase(found);
    } else {
      services_.push_back(std::make_unique<Service>(std::move(entry), std::move(*listeners), surroundings_));
      services_.back()->start();
    }
  }
  for (std::unique_ptr<Service>& old : before) {
    old->drain();
    static_cast<void>(old->release_listeners());
    leaving_.push_back(std::move(old));
  }
  return {};
}

Result<void> Supervisor::start() {
  std::vector<config::MasterEntry> entries;
  TRY(read_configuration(entries));
  return apply(std::move(entries));
}

void Supervisor::reload() {
  std::vector<config::MasterEntry> entries;
  Result<void> result = read_configuration(entries);
  if (result) {
    maillog::info("reload -- version {}, configuration {}", surroundings_.params.mail_version, config_directory_);
    result = apply(std::move(entries));
  }
  if (!result) maillog::error("{}", result.error().message());
}

void Supervisor::reap() {
  while (const auto ended = process::reap_any()) {
    const auto is_its = [&](const auto& service) { return service->on_child_end(ended->pid, ended->exit); };
    if (std::ranges::any_of(services_, is_its)) continue;
    static_cast<void>(std::ranges::any_of(leaving_, is_its));
  }
  std::erase_if(leaving_, [](const auto& service) { return !service->has_children(); });
  if (terminating_) go_on_terminating();
}

// Every process of the suite is in our process group, delivery workers and commands of users included. Those that others
// still ask are told beforehand that the signal is not for them; the log daemon ignores it always.
void Supervisor::terminate() {
  if (std::exchange(terminating_, true)) return;
  maillog::info("terminating on signal {}", SIGTERM);
  for (const auto& service : services_) {
    if (rank_of(*service) == Rank::clients) service->drain();
    else service->outlive();
  }
  ::signal(SIGTERM, SIG_IGN);
  ::kill(0, SIGTERM);
  kill_timer_ = event::Loop::current().timer(termination_limit, [] {
    maillog::warning("not all processes have ended within {} s: killing them", termination_limit.count());
    maillog::flush();
    ::kill(0, SIGKILL);
  });
  reap();
}

void Supervisor::go_on_terminating() {
  if (!leaving_.empty()) return;
  for (const Rank rank : {Rank::clients, Rank::bounce, Rank::cleanup, Rank::helpers, Rank::tables, Rank::log}) {
    if (rank == Rank::log) maillog::flush();
    bool is_working = false;
    for (const auto& service : services_) {
      if (rank_of(*service) != rank) continue;
      service->drain();
      is_working = is_working || service->has_children();
    }
    if (is_working) return;
  }
  event::Loop::current().stop();
}

void Supervisor::run() {
  event::Loop& loop = event::Loop::current();
  signals_.push_back(loop.watch_signal(SIGCHLD, [this] { reap(); }));
  signals_.push_back(loop.watch_signal(SIGHUP, [this] { reload(); }));
  signals_.push_back(loop.watch_signal(SIGTERM, [this] { terminate(); }));
  signals_.push_back(loop.watch_signal(SIGINT, [this] { terminate(); }));
  loop.run();
  maillog::flush();
}

}  // namespace master
