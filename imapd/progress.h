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
  // `what` has been done to messages, of which there are `goal`: "Processed".
  Progress(Session& session, std::string_view what, std::size_t goal);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // So many are done. Where no response is half written.
  void went(std::size_t done);

 private:
  Session& session_;
  std::string_view what_;
  std::size_t goal_;
  std::chrono::steady_clock::time_point begun_, told_;
};

}  // namespace imapd
