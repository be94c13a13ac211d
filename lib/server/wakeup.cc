#include "lib/server/wakeup.h"

#include <sys/socket.h>

#include "lib/event/loop.h"
#include "lib/ipc/messages/qmgr.h"

namespace server {

bool is_wakeup(Connection& connection) {
  char byte = 0;
  if (!event::wait_fd(connection.stream.fd(), event::Ready::readable, base::no_deadline)) return false;
  return ::recv(connection.stream.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && byte == static_cast<char>(ipc::QmgrTrigger::wakeup);
}

}  // namespace server
