#pragma once
// One line of master.cf: its sockets, its processes, and the rule by which another process is started.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/config/master_cf.h"
#include "lib/event/loop.h"
#include "lib/process/process.h"
#include "master/child.h"
#include "master/listeners.h"
#include "master/master_params.h"

namespace master {

// A process that dies although it had started is replaced at once, but not more often than this.
inline constexpr std::chrono::seconds restart_pause{1};

// What all services share; replaced as a whole at a reload.
struct Surroundings {
  Params params;
  std::vector<std::string> environment;   // of the children
  unsigned cores;
};

class Service {
 public:
  // The listeners are those that the entry wants, already open.
  Service(config::MasterEntry entry, std::vector<Listener> listeners, const Surroundings& surroundings);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Watches the sockets, and sets the wakeup timer going.
  void start();

  // A process has ended; false when it is none of ours.
  bool on_child_end(pid_t pid, process::Exit exit);

  // The same service after a reload: its processes take no new clients, the next client is served by a new one.
  void replace(config::MasterEntry entry, std::vector<Listener> listeners);
  [[nodiscard]] std::vector<Listener> release_listeners();
  // No more clients, for good. Harmless when repeated.
  void drain();
  // All other programs are about to be ended by SIGTERM: this service goes on for those who ask it, until drain().
  void outlive();

  [[nodiscard]] const config::MasterEntry& entry() const { return entry_; }
  [[nodiscard]] bool has_children() const { return !children_.empty(); }

 private:
  // How maxproc is shared out.
  struct Split {
    std::size_t processes;
    std::size_t share;  // of each process; 0 without limit
  };
  [[nodiscard]] Split split() const;

  // Processes that are not about to end.
  [[nodiscard]] std::size_t staying() const;
  [[nodiscard]] bool is_at_limit() const;

  void evaluate();
  void watch(bool on);
  void start_child();
  void throttle(std::chrono::seconds wait);
  void wake_up();
  void set_stress();
  [[nodiscard]] bool is_isolated() const;
  [[nodiscard]] std::string program_path() const;
  [[nodiscard]] std::vector<std::string> arguments() const;

  config::MasterEntry entry_;
  std::vector<Listener> listeners_;
  const Surroundings& surroundings_;
  std::map<pid_t, std::unique_ptr<Child>> children_;
  std::vector<std::unique_ptr<event::Loop::Watch>> watches_;
  std::unique_ptr<event::Loop::Watch> throttle_timer_, wakeup_timer_, stress_timer_;
  std::chrono::seconds shortage_pause_ = restart_pause;   // before the next try where no process was to be had
  Deadline isolated_until_{};   // after a crash: one client per process
  bool watching_ = false;
  bool throttled_ = false;
  bool stressed_ = false;
  bool is_over_ = false;        // takes no more clients
  bool is_ending_ = false;      // the service, or the whole suite, ends: SIGTERM is no crash
  bool used_ = false;           // a client has come since start: "60?" wakes up only then
};

}  // namespace master
