#include "services/flush/service.h"

#include <utility>

#include "lib/base/host_name.h"
#include "lib/event/loop.h"
#include "lib/event/offload.h"
#include "lib/io/socket.h"
#include "lib/ipc/messages/qmgr.h"
#include "lib/log/log.h"
#include "lib/server/wakeup.h"

namespace flush {
namespace {

using ipc::FlushStatus;
using queue::Queue;
using queue::QueueId;

constexpr std::chrono::seconds qmgr_wait{60};

Result<void> tell_qmgr(const std::string& path, const std::vector<QueueId>& ids) {
  if (ids.empty()) return {};
  const Deadline deadline = base::after(qmgr_wait);
  io::Stream stream(TRY(io::connect_unix(path, deadline)));
  for (const QueueId& id : ids) {
    stream.write(static_cast<char>(ipc::QmgrTrigger::try_now) + id.text() + '\0', deadline);
  }
  if (stream.flush(deadline) != io::End::ok) return base::fail(path + " does not listen");
  return {};
}

FlushStatus told(const Result<void>& result) {
  if (result) return FlushStatus::ok;
  maillog::warning("{}", result.error().message());
  return FlushStatus::failed;
}

}  // namespace

Service::Service(const Params& params, queue::FlushSites sites, const base::Clock& clock)
    : params_(params),
      sites_(std::move(sites)),
      layout_("", params.hash_queue_names, params.hash_queue_depth),
      logs_(layout_.directory(Queue::flush)),
      clock_(clock) {}

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  auto sites = TRY(queue::FlushSites::open(startup.main, params, &startup.services));
  return std::unique_ptr<server::Service>(new Service(params, std::move(sites), startup.clock));
}

void Service::serve(server::Connection& connection) {
  if (server::is_wakeup(connection)) return refresh(Which::old);
  server::serve_requests<ipc::Flush>(connection,
                                     [this](const ipc::FlushRequest& request) { return ipc::FlushAnswer{answer(request)}; });
}

FlushStatus Service::answer(const ipc::FlushRequest& request) {
  switch (request.command) {
    case ipc::FlushCommand::add: return add(request);
    case ipc::FlushCommand::send_site: return send_site(request);
    case ipc::FlushCommand::send_file: return send_file(request);
    case ipc::FlushCommand::refresh: refresh(Which::old); return FlushStatus::ok;
    case ipc::FlushCommand::purge: refresh(Which::all); return FlushStatus::ok;
  }
  return FlushStatus::bad;
}

FlushStatus Service::add(const ipc::FlushRequest& request) {
  const auto id = QueueId::parse(request.queue_id);
  if (!id) return FlushStatus::bad;
  const auto is_listed = sites_.has(request.site);
  if (!is_listed) maillog::warning("{}", is_listed.error().message());
  if (!is_listed) return FlushStatus::failed;
  if (!*is_listed || !base::is_host_name(request.site)) return FlushStatus::denied;
  return told(logs_.add(file_name(request.site), *id));
}

FlushStatus Service::send_site(const ipc::FlushRequest& request) {
  const auto is_listed = sites_.has(request.site);
  if (!is_listed) maillog::warning("{}", is_listed.error().message());
  if (!is_listed) return FlushStatus::failed;
  if (!*is_listed || !base::is_host_name(request.site)) return FlushStatus::denied;
  // A site without a list leaves nothing to remember: a client may invent any number of them.
  const std::string name = file_name(request.site);
  if (!logs_.has_entries(name)) return FlushStatus::ok;
  switch (pace_.ask(name, clock_.now())) {
    case Pace::Turn::now: return pass(name);
    case Pace::Turn::later: pass_later(name); return FlushStatus::ok;
    case Pace::Turn::waits_already: return FlushStatus::ok;
  }
  return FlushStatus::failed;
}

FlushStatus Service::send_file(const ipc::FlushRequest& request) {
  const auto id = QueueId::parse(request.queue_id);
  return id ? told(tell_qmgr("public/" + params_.queue_service_name, {*id})) : FlushStatus::bad;
}

// What is being tried just now waits for the next pass, since its agent has told us already. Asked in the order in which
// mail moves, so that none is missed on its way.
FlushStatus Service::pass(const std::string& name) {
  const auto ids = logs_.take(name, [this](const QueueId& id) {
    return layout_.exists(Queue::active, id) || layout_.exists(Queue::incoming, id);
  });
  if (!ids) return told(base::Failure(ids.error()));
  const FlushStatus status = told(tell_qmgr("public/" + params_.queue_service_name, *ids));
  if (status == FlushStatus::ok) return status;
  for (const QueueId& id : *ids) {
    if (const auto kept = logs_.add(name, id); !kept) return told(kept);
  }
  return status;
}

void Service::pass_later(const std::string& name) {
  const Deadline due = pace_.due(name);
  const auto fiber = event::Loop::current().spawn("site", [this, name, due] {
    event::sleep_until(due);
    pace_.began(name, clock_.now());
    static_cast<void>(pass(name));
  });
  if (fiber) return;
  pace_.began(name, clock_.now());
  maillog::warning("{}: {}", name, fiber.error().message());
}

void Service::refresh(Which which) {
  if (std::exchange(refreshing_, true)) return;
  const auto fiber = event::Loop::current().spawn("refresh", [this, which] {
    refresh_all(which);
    refreshing_ = false;
  });
  if (!fiber) refreshing_ = false;
}

void Service::refresh_all(Which which) {
  const auto entries = event::blocking([this] { return logs_.list(); });
  if (!entries) return static_cast<void>(told(base::Failure(entries.error())));
  const Stamp now = clock_.stamp();
  for (const SiteLogs::Entry& entry : *entries) {
    if (!entry.is_empty) {
      if (which == Which::all || entry.asked + params_.fast_flush_refresh_time <= now) static_cast<void>(pass(entry.name));
    } else if (entry.changed + params_.fast_flush_purge_time <= now) {
      static_cast<void>(told(logs_.remove_empty(entry.name)));
    }
  }
}

}  // namespace flush
