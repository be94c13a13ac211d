#pragma once
// A server at the other end of a UNIX socket: to who connects it says what it was told to, and hangs up.

#include <memory>
#include <string>
#include <string_view>

namespace fuzz {

class Peer {
 public:
  static Peer& instance();

  [[nodiscard]] const std::string& path() const { return path_; }
  // From the next connection on.
  void say(std::string_view data);

 private:
  Peer();
  void serve() const;

  struct Words;
  std::string path_;
  std::shared_ptr<Words> words_;
};

}  // namespace fuzz
