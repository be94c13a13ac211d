#pragma once
// Takes clients from the listening sockets, one fiber each, within the process's share of the service's maxproc. At the
// share it stops: the backlog holds the rest, or another process of the service takes them.

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/server/datagram_sender.h"
#include "lib/server/master_protocol.h"
#include "lib/server/service.h"

namespace server {

class Acceptor {
 public:
  struct Limits {
    std::size_t share;                       // clients (sessions) or requests at once; 0: without limit
    bool one_client;                         // of requests, too: after a crash, so that what kills us costs only itself
    bool passed;                             // clients come as descriptors, from another service of the suite (type "pass")
    std::chrono::seconds max_idle;           // 0: stays
    std::chrono::seconds drain_time_limit;   // sessions that are older than this after draining are cancelled
  };

  Acceptor(Kind kind, std::string name, Service& service, Limits limits, std::vector<Fd> listeners);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // The acceptor of this process: there is one, made by run().
  static Acceptor& instance();

  void start(std::function<void(ChildSays)> tell_master);
  // Files whose change ends this process; see Startup::watch_file.
  void watch_file(const std::string& path);
  // Accepts no more; the loop stops when the last client is gone.
  void drain(bool tell);
  [[nodiscard]] bool is_draining() const { return draining_; }
  // Drains when a watched file has changed; true when this process drains.
  [[nodiscard]] bool is_outdated();
  void set_stress(bool stressed) { stressed_ = stressed; }

  // See Busy.
  void begin_request(Connection& connection);
  void end_request(Connection& connection);
  // See released().
  void after_client();

  [[nodiscard]] uid_t datagram_sender() const { return datagram_sender_; }

 private:
  struct Client {
    Connection connection;
    event::FiberRef fiber;
  };
  struct WatchedFile;

  void listen(bool on);
  void watch_listeners();
  void pause(std::chrono::milliseconds time);
  void on_readable(int listener);
  void accept_one(Fd fd);
  void gather_datagrams() const;
  void receive_datagrams(int socket);
  void run_client(std::list<Client>::iterator client);
  void check_idle();
  [[nodiscard]] bool files_changed() const;
  [[nodiscard]] bool is_idle() const;
  void stop_if_drained();

  Kind kind_;
  std::string name_;
  Service& service_;
  Limits limits_;
  std::vector<Fd> listeners_;  // closed once it drains: master's successor can listen there
  std::vector<std::unique_ptr<event::Loop::Watch>> watches_;
  std::vector<std::unique_ptr<WatchedFile>> files_;
  std::unique_ptr<event::Loop::Watch> idle_timer_, pause_timer_, drain_timer_;
  std::function<void(ChildSays)> tell_master_;
  std::list<Client> clients_;
  std::unique_ptr<char[]> datagrams_;
  uid_t datagram_sender_ = unknown_sender;
  event::Semaphore requests_;
  std::size_t busy_ = 0;
  unsigned long next_session_ = 0;
  Deadline last_use_;
  bool listening_ = false;
  bool draining_ = false;
  bool stressed_ = false;
};

}  // namespace server
