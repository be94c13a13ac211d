#include "lib/ipc/anvil_client.h"

#include <utility>

#include "lib/log/log.h"

namespace ipc {

AnvilAnswer AnvilClient::ask(AnvilEvent event, std::string ident) {
  const Deadline deadline = base::after(Anvil::timeout);
  if (!turn_.acquire(deadline)) return {};
  struct Turn {
    event::Semaphore& semaphore;
    ~Turn() { semaphore.release(); }
  } const turn{turn_};
  const AnvilRequest request{event, std::move(ident)};
  // A second try: anvil may have ended since the last question, and master starts it again.
  for (int tries = 0; tries < 2; ++tries) {
    const bool was_connected = connection_.has_value();
    const auto answer = try_ask(request, deadline);
    if (answer) return *answer;
    if (!was_connected) {
      maillog::warning("{}: {}", Anvil::socket, answer.error().message());
      break;
    }
  }
  return {};
}

Result<AnvilAnswer> AnvilClient::try_ask(const AnvilRequest& request, Deadline deadline) {
  // Ours again only when the answer is read: a question that is broken off, by an error or because the session is
  // cancelled, leaves no answer behind for the next one to take for its own.
  std::optional<Connections::Connection> connection = std::exchange(connection_, std::nullopt);
  if (!connection) connection = TRY(services_.connect(Anvil::socket, deadline));
  send(connection->stream, request, deadline);
  const AnvilAnswer answer = TRY(receive<AnvilAnswer>(connection->stream, deadline));
  connection_ = std::move(connection);
  return answer;
}

}  // namespace ipc
