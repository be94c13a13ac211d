#pragma once
// Where the trace of a TLS session is written: tlsmgr(8) opens the files, since it counts for all processes together, and those who
// speak with strangers may not.

#include <string>

#include "lib/base/fd.h"
#include "lib/ipc/connections.h"

namespace ipc {

class TraceSource {
 public:
  // `tlsmgr`: tlsmgr_service_name; `program`: who speaks, as the log knows him.
  TraceSource(Connections& connections, std::string_view tlsmgr, std::string program)
      : connections_(connections), socket_("private/" + std::string(tlsmgr)), program_(std::move(program)) {}

  // A file for the session with `address`. Parks. None: there are too many, or it cannot be had, which is logged.
  [[nodiscard]] Fd begin(const std::string& address);

 private:
  Connections& connections_;
  std::string socket_, program_;
};

}  // namespace ipc
