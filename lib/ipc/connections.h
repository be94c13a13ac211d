#pragma once
// Lasting connections to other programs of the suite. A conversation is a type:
//
//   struct Resolve {
//     using Request = ResolveRequest;
//     using Answer = ResolveAnswer;
//     static constexpr std::string_view socket = "private/rewrite";   // below the queue directory, our working directory
//     static constexpr std::chrono::seconds timeout{100};
//     static constexpr std::chrono::milliseconds connect_timeout{200};  // where it may be missing; else timeout
//   };
//
// ask() takes an idle connection or makes one, sends, parks until the answer. Where a connection turns out dead (the service
// was restarted, or hands over to a successor) the request is sent again on a new one: so a request must be harmless when
// repeated.

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/message.h"

namespace ipc {

inline constexpr std::size_t idle_connections_limit = 32;  // kept per service; more are closed after use
inline constexpr int new_connections_limit = 3;            // that a request is tried on: a process may just be handing over

class Connections {
 public:
  Connections() = default;
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  template <class Conversation>
  [[nodiscard]] Result<typename Conversation::Answer> ask(const typename Conversation::Request& request) {
    return ask_at<Conversation>(Conversation::socket, request);
  }

  // The same with a socket that is known only at run time (a transport's: "private/smtp").
  template <class Conversation>
  [[nodiscard]] Result<typename Conversation::Answer> ask_at(std::string_view socket,
                                                             const typename Conversation::Request& request) {
    const Deadline deadline = base::after(Conversation::timeout);
    for (int made = 0;;) {
      Connection connection = TRY(take(socket, connect_deadline<Conversation>(deadline)));
      if (!connection.reused) ++made;
      send(connection.stream, request, deadline);
      auto answer = receive<typename Conversation::Answer>(connection.stream, deadline);
      if (answer) {
        keep(socket, std::move(connection));
        return answer;
      }
      if (made >= new_connections_limit || std::chrono::steady_clock::now() >= deadline) {
        return base::Failure(std::move(answer).error().within(socket));
      }
    }
  }

  struct Connection {
    io::Stream stream;
    bool reused;
  };
  // A connection for a conversation that is more than one request and one answer. keep() it only when it is at rest.
  [[nodiscard]] Result<Connection> take(std::string_view socket, Deadline deadline);
  [[nodiscard]] Result<Connection> connect(std::string_view socket, Deadline deadline);
  void keep(std::string_view socket, Connection connection);

 private:
  // A service that does not come up is waited for as long as for its answer, unless its askers do without it.
  template <class Conversation>
  static Deadline connect_deadline(Deadline deadline) {
    if constexpr (requires { Conversation::connect_timeout; }) return base::after(Conversation::connect_timeout);
    return deadline;
  }

  std::map<std::string, std::vector<io::Stream>, std::less<>> idle_;
};

}  // namespace ipc
