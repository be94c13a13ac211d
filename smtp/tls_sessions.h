#pragma once
// TLS sessions that servers may resume, as tlsmgr(8) keeps them for all processes. Nothing depends on them: without one the handshake
// is made in full.

#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/tlsmgr.h"

namespace smtp {

class TlsSessions {
 public:
  // `tlsmgr`: tlsmgr_service_name; `cache`: "smtp" or "lmtp".
  TlsSessions(ipc::Connections& services, std::string_view tlsmgr, std::string cache)
      : services_(services), socket_("private/" + std::string(tlsmgr)), cache_(std::move(cache)) {}

  // As tls::Session gave it; empty: none.
  [[nodiscard]] std::string find(const std::string& id);
  void keep(const std::string& id, std::string_view session);
  void drop(const std::string& id);

 private:
  ipc::TlsManagerAnswer ask(ipc::TlsManagerOperation operation, const std::string& id, std::string session);

  ipc::Connections& services_;
  std::string socket_, cache_;
  Deadline not_before_{};   // after a failure tlsmgr is left alone for a while
};

}  // namespace smtp
