#include "services/tlsmgr/service.h"

#include <ctime>
#include <string_view>

#include "lib/base/base64.h"
#include "lib/log/log.h"
#include "lib/process/account.h"
#include "lib/server/wakeup.h"
#include "services/tlsmgr/tlsmgr_params.h"

namespace tlsmgr {
namespace {

std::string encoded(std::span<const unsigned char> bytes) {
  return base::encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  ::tzset();  // the zone of the traces' names, before the chroot hides its file
  startup.write_below(params.data_directory);
  startup.write_below(std::string(trace_directory));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::vector<SessionCaches::Setup> setups{
      {"smtp", params.smtp_tls_session_cache_database, params.smtp_tls_session_cache_timeout},
      {"lmtp", params.lmtp_tls_session_cache_database, params.lmtp_tls_session_cache_timeout}};
  const auto owner = process::find_account(params.mail_owner);
  auto caches = SessionCaches::open(*tables, setups, owner ? &*owner : nullptr, startup.clock);
  return std::make_unique<Service>(std::move(tables), std::move(caches), params.tls_trace_rate_limit, startup.clock);
}

void Service::serve(server::Connection& connection) {
  if (server::is_wakeup(connection)) return;   // whoever asks finds keys that are fresh enough
  server::serve_requests<ipc::TlsManager>(connection, [&](const ipc::TlsManagerRequest& request) { return answer(request); });
}

ipc::TlsManagerAnswer Service::answer(const ipc::TlsManagerRequest& request) {
  switch (request.operation) {
    case ipc::TlsManagerOperation::ticket_keys: return ticket_keys(request);
    case ipc::TlsManagerOperation::find_session: return {.keys = {}, .fresh_for = {}, .session = caches_->find(request.name, request.id)};
    case ipc::TlsManagerOperation::keep_session: caches_->keep(request.name, request.id, request.session); return {};
    case ipc::TlsManagerOperation::drop_session: caches_->drop(request.name, request.id); return {};
    case ipc::TlsManagerOperation::begin_trace: return begin_trace(request);
  }
  return {};   // a number that is none of these
}

ipc::TlsManagerAnswer Service::ticket_keys(const ipc::TlsManagerRequest& request) {
  const auto ring = rings_.of(request.name, request.lifetime);
  if (!ring) {
    maillog::warning("TLS session tickets of {}: {}", request.name, ring.error().message());
    return {};
  }
  ipc::TlsManagerAnswer answer{.keys = {}, .fresh_for = ring->fresh_for, .session = {}};
  for (const tls::TicketKey& key : ring->keys) {
    answer.keys.push_back({.name = encoded(key.name), .cipher_key = encoded(key.cipher_key), .mac_key = encoded(key.mac_key)});
  }
  return answer;
}

ipc::TlsManagerAnswer Service::begin_trace(const ipc::TlsManagerRequest& request) {
  auto file = traces_.begin(request.name, request.id);
  ipc::TlsManagerAnswer answer;
  if (!file) maillog::warning("TLS trace: {}", file.error().message());
  else if (*file) answer.traces.push_back({.file = std::move(*file)});
  return answer;
}

}  // namespace tlsmgr
