#pragma once
// The servers of one table, and the sessions with them that are kept between lookups.

#include <memory>
#include <random>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/event/loop.h"
#include "lib/maps/module.h"

namespace maps {

class Sessions {
 public:
  // `client` must outlive this.
  explicit Sessions(const module::Client& client);
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  ~Sessions() = default;

  using Index = std::size_t;  // of client.servers

  // The servers to try, in order: the one with a session at rest, then local ones, then others, each group in random
  // order. One that has failed a moment ago is left out, unless it is the only one.
  [[nodiscard]] std::vector<Index> order();
  // A session at rest; null: one has to be made.
  [[nodiscard]] std::unique_ptr<module::Session> take(Index server);
  void keep(Index server, std::unique_ptr<module::Session> session);
  // The server does not answer: sessions with it are closed, and it is left alone for retry_interval.
  void mark_down(Index server);

 private:
  struct Idle {
    std::unique_ptr<module::Session> session;
    Deadline since;
  };
  struct Server {
    std::vector<Idle> idle;
    Deadline down_until{};
  };
  void close_old();
  void watch_idle();

  const module::Client& client_;
  std::vector<Server> servers_;
  std::minstd_rand random_;
  std::unique_ptr<event::Loop::Watch> timer_;
};

}  // namespace maps
