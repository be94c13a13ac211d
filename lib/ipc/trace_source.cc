#include "lib/ipc/trace_source.h"

#include <utility>

#include "lib/ipc/messages/tlsmgr.h"
#include "lib/log/log.h"

namespace ipc {

Fd TraceSource::begin(const std::string& address) {
  auto answer = connections_.ask_at<TlsManager>(
      socket_, {.operation = TlsManagerOperation::begin_trace, .name = program_, .id = address, .session = {}, .lifetime = {}});
  if (!answer) {
    maillog::warning("no trace of the TLS session with {}: {}", address, answer.error().message());
    return {};
  }
  return answer->traces.empty() ? Fd() : std::move(answer->traces.front().file);
}

}  // namespace ipc
