#pragma once
// Tells qmgr(8) that a message is complete in incoming/. A courtesy that saves qmgr the scan: what cannot be written at
// once is not written, and qmgr finds the message by its scan.

#include <string>
#include <string_view>

#include "lib/base/fd.h"

namespace cleanup {

class QmgrNotice {
 public:
  explicit QmgrNotice(std::string socket) : socket_(std::move(socket)) {}
  // Never waits.
  void send(std::string_view queue_id);

 private:
  [[nodiscard]] bool connect();

  std::string socket_;
  Fd fd_;  // kept; not open when there is no connection
};

}  // namespace cleanup
