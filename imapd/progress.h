#pragma once
// INPROGRESS (RFC 9585): who waits long for a command's end hears now and then how far it is, and does not take the server for
// dead.

#include <chrono>
#include <cstddef>
#include <string_view>

namespace imapd {

class Session;

class Progress {
 public:
  // `what` has been done to messages, of which there are `goal`: "Processed". A command of several steps goes through them, or some of
  // them, as often; each step counts for as much of the way.
  Progress(Session& session, std::string_view what, std::size_t goal, std::size_t steps = 1);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // The first step has begun. The next one is with so many messages.
  void next_step(std::size_t messages);
  // So many of the step's messages are done. Where no response is half written.
  void went(std::size_t done_of_step);

 private:
  Session& session_;
  std::string_view what_;
  std::size_t goal_, steps_;
  std::size_t step_ = 0, step_size_;   // the step that is under way, its messages
  std::chrono::steady_clock::time_point begun_, told_;
};

}  // namespace imapd
