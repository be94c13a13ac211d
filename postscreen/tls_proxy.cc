#include "postscreen/tls_proxy.h"

#include <unistd.h>

#include "lib/ipc/messages/tlsproxy.h"

namespace postscreen {

Result<io::Stream> connect_now(ipc::Connections& services, const std::string& socket, Deadline deadline) {
  if (::access(socket.c_str(), F_OK) != 0) return base::Failure(base::Error::system("connect to " + socket));
  return std::move(TRY(services.connect(socket, deadline)).stream);
}

Result<io::Stream> TlsProxy::prepare(const std::string& client, std::chrono::seconds handshake_timeout) {
  const Deadline deadline = base::after(ipc::tlsproxy_timeout);
  io::Stream stream = TRY(connect_now(services_, socket_, deadline));
  ipc::send(stream, ipc::TlsProxyRequest{.client = client, .handshake_timeout = handshake_timeout}, deadline);
  const auto answer = ipc::receive<ipc::TlsProxyAnswer>(stream, deadline);
  if (!answer) return base::fail("problem receiving status from " + socket_ + ": " + answer.error().message());
  if (!answer->is_ready) return base::fail(socket_ + " has no TLS");
  return stream;
}

}  // namespace postscreen
