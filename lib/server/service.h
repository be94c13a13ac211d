#pragma once
// What a daemon is to the skeleton. A daemon's main.cc makes one Program and calls run():
//
//   int main(int argc, char** argv) {
//     return server::run(argc, argv, {
//         .name = "smtpd",
//         .kind = server::Kind::sessions,
//         .needs = sandbox::Profile{}...,
//         .make = [](server::Startup& startup) { return smtpd::Server::make(startup); },
//     });
//   }

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/config/main_cf.h"
#include "lib/io/socket.h"
#include "lib/io/stream.h"
#include "lib/ipc/connections.h"
#include "lib/maps/table.h"
#include "lib/sandbox/profile.h"

namespace server {

enum class Kind {
  sessions,   // a connection is a client and counts against maxproc for as long as it lives (smtpd)
  requests,   // connections last and are idle most of the time; what counts is a request being served (cleanup, local)
  triggers,   // connections carry single characters (pickup); master's wakeup timer writes 'W'
  datagrams,  // a datagram socket (postlogd)
  held,       // serve() takes the connection over and returns: it waits without a fiber, and does not count (postscreen)
};

// One accepted connection, in a fiber of its own.
struct Connection {
  io::Stream stream;
  std::optional<io::Endpoint> peer;    // none for a UNIX socket
  std::optional<io::Endpoint> local;
  unsigned long session;               // unique on this host, already set as the number in log lines for Kind::sessions
  bool stressed;                       // accepted while the service was at its limit (`stress` parameter snapshot)
  bool at_rest = true;                 // between two requests: may be closed at any time (Kind::requests)
};

class Service {
 public:
  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service() = default;

  // After chroot, identity and sandbox, in a fiber, before the first connection: recover state, start own fibers.
  virtual void started() {}
  // Kinds sessions and requests: the whole conversation; returns when it is over. Kind held: its beginning.
  virtual void serve(Connection& connection) = 0;
  // Kind triggers: the bytes that came.
  virtual void trigger(std::string_view bytes) { static_cast<void>(bytes); }
  // Kind datagrams: one datagram.
  virtual void datagram(std::string_view bytes) { static_cast<void>(bytes); }
  // How long one may lie in the socket, less than a second, so that more are taken at once. 0: the senders have their turn first.
  [[nodiscard]] virtual std::chrono::milliseconds datagrams_may_lie() const { return std::chrono::milliseconds(0); }
  // The process is to end: no more connections come. The sessions that are there go on until drain_time_limit.
  virtual void draining() {}
  // Whether there are connections that serve() has taken over, or sessions that others serve for us. The process stays for them; see
  // released().
  [[nodiscard]] virtual bool is_holding() const { return false; }
};

// What a daemon may use while it starts, and keeps for its life. Tables and files are opened here, before the chroot.
struct Startup {
  const config::Main& main;            // main.cf with the service's -o options
  ipc::Connections& services;
  const base::Clock& clock;
  std::string service;                 // name in master.cf: "smtp", "submission", "relay"
  bool privileged;                     // the process stays root (master.cf: unprivileged n)
  bool chrooted;
  int process_limit;                   // maxproc of the service, 0 without limit
  std::vector<std::string> arguments;  // what master.cf says after the options: "user=nobody", "argv=/bin/true"
  // Files whose change makes this process hand over to a successor: tables opened before the chroot, certificates.
  std::function<void(const std::string& path)> watch_file;
  // Directories outside the queue in which this process writes and makes files.
  std::function<void(const std::string& directory)> write_below;

  // For the process's tables. The files that it could not look at again are watched.
  [[nodiscard]] maps::Tables::Options table_options() const;
};

// Declares in one place what the process needs after start; lib/sandbox enforces it.
struct Program {
  std::string_view name;
  Kind kind = Kind::requests;
  sandbox::Profile needs{};
  std::function<Result<std::unique_ptr<Service>>(Startup&)> make;
  // Ends after this long without a client. The skeleton's max_idle unless the program says that it stays (qmgr, anvil).
  bool stays = false;
};

// The life of a daemon. Returns the exit status.
int run(int argc, char** argv, const Program& program);

// Within its scope the connection's request is being served (Kind::requests): the process is busy, and while the service
// serves maxproc requests already the constructor parks.
class Busy {
 public:
  explicit Busy(Connection& connection);
  ~Busy();
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Connection& connection_;
};

// Of what is_holding() is about one is gone.
void released();

// The process is to end: a connection at rest between two requests should be closed.
[[nodiscard]] bool is_draining();

// A file that this process started from has changed: it drains, and a request that has just been read is to be dropped with
// its connection. Who asks over a connection that was kept asks the successor again (ipc::Connections).
[[nodiscard]] bool is_outdated();

// A peer broke the protocol: one warning, and the connection ends.
void log_bad_request(const base::Error& error);

// Whether a request whose answer was lost may be sent again; a conversation that says `repeats = false` may not.
template <class Conversation>
inline constexpr bool may_repeat = [] {
  if constexpr (requires { Conversation::repeats; }) return Conversation::repeats;
  return true;
}();

// Serves a typed conversation until the client closes: the handler makes an answer of each request.
template <class Conversation, class Handler>
void serve_requests(Connection& connection, Handler&& handler) {
  while (!is_draining()) {
    auto request = ipc::receive<typename Conversation::Request>(connection.stream, base::no_deadline);
    if (!request) {
      if (request.error().message() != ipc::end_of_stream) log_bad_request(request.error());
      return;
    }
    if (may_repeat<Conversation> && is_outdated()) return;
    const Busy busy(connection);
    const typename Conversation::Answer answer = handler(std::move(*request));
    ipc::send(connection.stream, answer, base::after(Conversation::timeout));
    if (connection.stream.flush(base::after(Conversation::timeout)) != io::End::ok) return;
  }
}

}  // namespace server
