#pragma once
// What the sessions of a source have to do together.

#include <chrono>
#include <functional>
#include <random>
#include <string>

namespace load {

struct Pace {
  int messages = 1;
  int sessions = 1;
  int connect_attempts = 1;
  std::chrono::seconds fixed_delay{0};    // before each message
  std::chrono::seconds random_delay{0};   // at most
  bool show_count = false;                // on standard output, as messages are delivered
};

class Work {
 public:
  explicit Work(const Pace& pace) : pace_(pace), left_(pace.messages), random_(std::random_device{}()) {}

  // Takes a message to send; false when there is none left.
  [[nodiscard]] bool take();
  [[nodiscard]] bool is_done() const { return left_ == 0; }
  [[nodiscard]] int left() const { return left_; }
  // Waits as the pace says; parks.
  void wait();
  // A message was delivered.
  void count();
  [[nodiscard]] const Pace& pace() const { return pace_; }

 private:
  const Pace pace_;
  int left_;
  int delivered_ = 0;
  std::mt19937 random_;
};

// Runs `session` in as many fibers as the pace has sessions; returns when all have returned.
void run_sessions(const Work& work, const std::string& name, const std::function<void()>& session);

}  // namespace load
