#include "test/fuzz/peer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/base/fd.h"

namespace fuzz {

struct Peer::Words {
  std::mutex mutex;
  std::string text;
  Fd listener;
};

Peer& Peer::instance() {
  static Peer* const peer = new Peer();   // its thread and the handler at exit outlive static objects
  return *peer;
}

Peer::Peer() : words_(std::make_shared<Words>()) {
  std::string directory = "/tmp/fuzz.XXXXXX";
  CHECK(::mkdtemp(directory.data()) != nullptr);
  path_ = directory + "/peer";
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::ranges::copy(path_, static_cast<char*>(address.sun_path));
  words_->listener = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(::bind(words_->listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(words_->listener.get(), 16) == 0);
  static_cast<void>(::atexit([] {
    const std::string& path = instance().path_;
    ::unlink(path.c_str());
    ::rmdir(path.substr(0, path.rfind('/')).c_str());
  }));
  std::thread([this] { serve(); }).detach();
}

void Peer::say(std::string_view data) {
  const std::lock_guard lock(words_->mutex);
  words_->text = data;
}

void Peer::serve() const {
  for (;;) {
    const Fd connection(::accept4(words_->listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    std::string text;
    {
      const std::lock_guard lock(words_->mutex);
      text = words_->text;
    }
    if (!text.empty()) static_cast<void>(::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL));
    ::shutdown(connection.get(), SHUT_WR);
    std::array<char, 65536> heard{};
    while (::recv(connection.get(), heard.data(), heard.size(), 0) > 0) {}
  }
}

}  // namespace fuzz
