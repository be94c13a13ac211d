#include "cleanup/qmgr_notice.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "lib/ipc/messages/qmgr.h"

namespace cleanup {

bool QmgrNotice::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  fd_ = std::move(fd);
  return true;
}

void QmgrNotice::send(std::string_view queue_id) {
  std::string notice(1, static_cast<char>(ipc::QmgrTrigger::notice));
  notice.append(queue_id).append(1, '\0');
  // The second try is for a connection whose qmgr was restarted.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!fd_ && !connect()) return;
    const ssize_t sent = ::send(fd_.get(), notice.data(), notice.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(notice.size())) return;
    const bool is_full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (is_full) return;
    fd_.reset();  // gone, or a notice was torn: a new connection starts clean
  }
}

}  // namespace cleanup
