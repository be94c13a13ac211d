#include "services/verify/service.h"

#include <utility>

#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/server/cache.h"

namespace verify {

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  const std::string table = params.address_verify_map.empty() ? "internal:verify" : params.address_verify_map;
  auto cache = TRY(server::open_cache(startup, *tables, {.table = table, .cleanup_interval = params.address_verify_cache_cleanup_interval},
                                      params.mail_owner));
  return std::unique_ptr<server::Service>(new Service(std::move(params), std::move(tables), std::move(cache), startup));
}

Service::Service(Params params, std::unique_ptr<maps::Tables> tables, std::unique_ptr<maps::ExpiringCache> cache, server::Startup& startup)
    : params_(std::move(params)),
      times_{.positive_expire = params_.address_verify_positive_expire_time,
             .positive_refresh = params_.address_verify_positive_refresh_time,
             .negative_expire = params_.address_verify_negative_expire_time,
             .negative_refresh = params_.address_verify_negative_refresh_time},
      clock_(startup.clock),
      tables_(std::move(tables)),
      cache_(std::move(cache)),
      prober_(params_, startup.services, startup.clock) {}

void Service::started() {
  cache_->clean_regularly([this](std::string_view, std::string_view value) {
    const auto entry = Entry::parse(value);
    return entry && (!entry->is_expired(times_, now()) || entry->is_probed(now()));
  });
}

void Service::serve(server::Connection& connection) {
  server::serve_requests<ipc::AskVerify>(connection, [this](const ipc::VerifyRequest& request) { return answer(request); });
}

// A file has one user; what still comes to this process is asked of the next one again.
void Service::draining() { cache_->close(); }

ipc::VerifyAnswer Service::answer(const ipc::VerifyRequest& request) {
  if (request.address.empty() || request.address.size() > maps::cache_key_limit) return {};
  auto answer = request.command == ipc::VerifyCommand::query ? query(request.address) : update(request);
  return answer ? std::move(*answer) : failed(request, answer.error());
}

// Another process that has the table may come back. A file of our own that fails is opened, and made anew if need be, by the
// next process: we may be in a chroot.
ipc::VerifyAnswer Service::failed(const ipc::VerifyRequest& request, const base::Error& error) const {
  // Our file is the successor's by now: who polls asks him next.
  if (server::is_draining()) return {.ok = request.command == ipc::VerifyCommand::query, .reason = std::string(in_progress)};
  if (!params_.address_verify_map.starts_with("proxy:")) maillog::fatal("{}", error.message());
  maillog::warning("{}", error.message());
  return {};
}

Result<ipc::VerifyAnswer> Service::query(const std::string& address) {
  Entry entry = TRY(find(address));
  const bool is_stale = entry.is_stale(times_, now());
  if (entry.is_expired(times_, now())) entry = {.probed = entry.probed};
  ipc::VerifyAnswer answer{.ok = true, .state = entry.state, .reason = entry.text};
  if (is_stale && !entry.is_probed(now())) TRY(probe(address, std::move(entry)));
  return answer;
}

// The asker does not wait for it.
Result<void> Service::probe(const std::string& address, Entry entry) {
  entry.probed = now();
  // Written first, so that who asks meanwhile does not make another.
  if (entry.state == ipc::VerifyState::deliverable || params_.address_verify_negative_cache) TRY(keep(address, entry));
  const auto fiber = event::Loop::current().spawn("probe", [this, address] {
    if (const auto sent = prober_.send(address); !sent) maillog::warning("probe of <{}>: {}", address, sent.error().message());
  });
  if (!fiber) maillog::warning("probe of <{}>: {}", address, fiber.error().message());
  return {};
}

Result<ipc::VerifyAnswer> Service::update(const ipc::VerifyRequest& request) {
  using ipc::VerifyState;
  const VerifyState state = request.state;
  if (state != VerifyState::deliverable && state != VerifyState::deferred && state != VerifyState::undeliverable) return ipc::VerifyAnswer{};
  if (state != VerifyState::deliverable) {
    // One failure does not make a good address bad before its time: it is probed again when somebody asks.
    Entry known = TRY(find(request.address));
    if (!known.is_expired(times_, now()) && known.state == VerifyState::deliverable) {
      if (known.probed.count() == 0) return ipc::VerifyAnswer{.ok = true};
      known.probed = std::chrono::seconds(0);
      TRY(keep(request.address, known));
      return ipc::VerifyAnswer{.ok = true};
    }
  }
  TRY(keep(request.address, {.state = state, .probed = std::chrono::seconds(0), .updated = now(), .text = request.reason}));
  return ipc::VerifyAnswer{.ok = true};
}

Result<Entry> Service::find(const std::string& address) {
  const maps::Found found = TRY(cache_->lookup(address));
  if (!found) return Entry{};
  auto entry = Entry::parse(*found);
  if (!entry) maillog::warning("{}: an entry of <{}> that is none: {}", params_.address_verify_map, address, *found);
  return std::move(entry).value_or(Entry{});
}

Result<void> Service::keep(const std::string& address, const Entry& entry) { return cache_->put(address, entry.format()); }

std::chrono::seconds Service::now() const { return std::chrono::duration_cast<std::chrono::seconds>(clock_.stamp().time_since_epoch()); }

}  // namespace verify
