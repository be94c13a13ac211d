#pragma once
// A sink's listeners: a fiber for each client, at most so many at a time.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/loop.h"

namespace load {

class Acceptor {
 public:
  using Session = std::function<void(Fd client)>;

  // The loop must be there. `session` runs in a fiber.
  Acceptor(std::string name, std::vector<Fd> listeners, std::size_t clients_limit, Session session);

  // Serves until stop().
  void run();
  void stop() { loop_.stop(); }

 private:
  void watch();
  void on_readable(int listener);
  void start(Fd client);

  event::Loop loop_;
  std::string name_;
  std::vector<Fd> listeners_;
  std::size_t clients_limit_, clients_ = 0;
  Session session_;
  std::vector<std::unique_ptr<event::Loop::Watch>> watches_;
  std::unique_ptr<event::Loop::Watch> pause_;
};

// As many descriptors as the system allows.
void raise_descriptor_limit();

}  // namespace load
