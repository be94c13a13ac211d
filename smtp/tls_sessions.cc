#include "smtp/tls_sessions.h"

#include <chrono>

#include "lib/base/base64.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr std::chrono::seconds pause{10};

}  // namespace

std::string TlsSessions::find(const std::string& id) {
  return base::decode_base64(ask(ipc::TlsManagerOperation::find_session, id, {}).session).value_or("");
}

void TlsSessions::keep(const std::string& id, std::string_view session) {
  static_cast<void>(ask(ipc::TlsManagerOperation::keep_session, id, base::encode_base64(session)));
}

void TlsSessions::drop(const std::string& id) { static_cast<void>(ask(ipc::TlsManagerOperation::drop_session, id, {})); }

ipc::TlsManagerAnswer TlsSessions::ask(ipc::TlsManagerOperation operation, const std::string& id, std::string session) {
  if (std::chrono::steady_clock::now() < not_before_) return {};
  auto answer = services_.ask_at<ipc::TlsManager>(
      socket_, {.operation = operation, .name = cache_, .id = id, .session = std::move(session), .lifetime = {}});
  if (answer) return std::move(*answer);
  not_before_ = base::after(pause);
  maillog::warning("TLS sessions are not kept: {}", answer.error().message());
  return {};
}

}  // namespace smtp
