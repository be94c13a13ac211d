#include "commands/postqueue/requests.h"

#include <unistd.h>

#include "lib/io/socket.h"
#include "lib/io/stream.h"
#include "lib/ipc/messages/qmgr.h"

namespace postqueue {
namespace {

constexpr std::chrono::seconds request_limit{10};

Result<void> send(const std::string& socket, std::string_view bytes) {
  const Deadline deadline = base::after(request_limit);
  io::Stream stream(TRY(io::connect_unix(socket, deadline)));
  stream.write(bytes, deadline);
  if (stream.flush(deadline) != io::End::ok) return base::fail(socket + " does not listen");
  return {};
}

}  // namespace

Result<void> flush_all(const Params& params) {
  constexpr char triggers[] = {static_cast<char>(ipc::QmgrTrigger::flush_dead), static_cast<char>(ipc::QmgrTrigger::scan_deferred),
                               static_cast<char>(ipc::QmgrTrigger::scan_all)};
  TRY(send(params.queue_directory + "/public/" + params.queue_service_name, std::string_view(triggers, sizeof triggers)));
  // What lies in maildrop (postsuper -r, or sent while the mail system was stopped) need not wait for pickup's next look.
  static_cast<void>(send(params.queue_directory + "/public/" + params.pickup_service_name, "W"));
  return {};
}

Result<ipc::FlushStatus> ask_flush(const Params& params, const queue::FlushSites& sites, const ipc::FlushRequest& request) {
  if (::chdir(params.queue_directory.c_str()) != 0) return base::fail_system("chdir " + params.queue_directory);
  ipc::Connections services;
  return sites.ask(services, request);
}

}  // namespace postqueue
