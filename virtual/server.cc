#include "virtual/server.h"

#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mailbox/spawner.h"

namespace virtual_agent {
namespace {

using delivery::Delivery;
using delivery::Status;

constexpr std::string_view relay = "virtual";
constexpr std::chrono::seconds write_patience{600};  // beside waiting for locks: a slow disk

Delivery ended(Status status, mail::Dsn dsn, std::string reason) {
  Delivery delivery;
  delivery.status = status;
  delivery.dsn = dsn;
  delivery.relay = relay;
  delivery.reason = std::move(reason);
  return delivery;
}

Delivery refused(const Refused& refused, std::string_view recipient) {
  if (!refused.warning.empty()) maillog::warning("{}", refused.warning);
  switch (refused.refusal) {
    case Refusal::unknown: return ended(Status::bounced, {5, 1, 1}, fmt::format("unknown user: \"{}\"", recipient));
    case Refusal::failure: return ended(Status::deferred, {4, 3, 5}, "mail system configuration error");
    case Refusal::settings: return ended(Status::deferred, {4, 3, 5}, "mail system configuration error");
  }
  std::unreachable();
}

// Only a full mailbox is told to the sender. What else is wrong with it the administrator can mend, and then the mail
// is still there.
Delivery concluded(const Result<mailbox::TaskOutcome>& answer, std::string success, std::string_view prefix) {
  if (!answer) {
    maillog::warning("{}", answer.error().message());
    return ended(Status::deferred, {4, 3, 0}, "delivery worker failure");
  }
  for (const std::string& warning : answer->warnings) maillog::warning("{}", warning);
  mail::Dsn dsn = mail::Dsn::parse(answer->dsn).value_or(mail::Dsn(4, 3, 0));
  if (dsn.is_success()) return ended(Status::sent, {2, 0, 0}, std::move(success));
  const bool is_full = dsn == mail::Dsn(5, 2, 2);
  if (dsn.is_permanent() && !is_full) dsn = dsn.with_class(4);
  return ended(is_full ? Status::bounced : Status::deferred, dsn, std::string(prefix) + answer->reason);
}

mailbox::TaskMessage task_message(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient, bool original) {
  mailbox::TaskMessage message;
  message.file = mailbox::read_only(request.file);
  message.data_offset = request.data_offset;
  message.sender = request.sender;
  if (original) message.original_to = recipient.original.empty() ? recipient.address : recipient.original;
  message.delivered_to = recipient.address;
  message.arrived = request.arrived;
  return message;
}

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  if (params.virtual_mailbox_limit != 0 &&
      (params.message_size_limit == 0 || params.virtual_mailbox_limit < params.message_size_limit)) {
    return base::fail("configuration error: virtual_mailbox_limit is smaller than message_size_limit");
  }
  const auto locks = TRY(mailbox::parse_lock_methods(params.virtual_mailbox_lock));
  // The spawner is forked before tables and pools have threads of their own.
  Fd spawner = TRY(mailbox::start_spawner({.root = {}, .quota = &store::quota_books}));
  std::unique_ptr<Server> server(new Server(startup, std::move(params), std::move(spawner)));
  const Params& set = server->params_;
  server->locks_ = locks;
  server->patience_ = {set.deliver_lock_attempts, set.deliver_lock_delay, set.stale_lock_time};
  server->open_tables_ = std::make_unique<maps::Tables>(startup.table_options());
  // What the tables say becomes a path and a user id: no part of it may come from the address by way of $1, and no
  // other program is asked, nor who cannot be known.
  const auto flags = maps::Flags::fold_keys | maps::security_sensitive |
                     (set.smtputf8_enable ? maps::Flags::utf8 : maps::Flags::none);
  const auto open = [&](std::string_view name, std::string_view value) {
    return maps::Maps::open(*server->open_tables_, name, value, flags);
  };
  server->tables_.mailboxes = TRY(open("virtual_mailbox_maps", set.virtual_mailbox_maps));
  server->tables_.uids = TRY(open("virtual_uid_maps", set.virtual_uid_maps));
  server->tables_.gids = TRY(open("virtual_gid_maps", set.virtual_gid_maps));
  server->status_filter_ = TRY(delivery::StatusFilter::open(*server->open_tables_, "virtual_delivery_status_filter",
                                                            set.virtual_delivery_status_filter));
  server->flush_sites_ = TRY(queue::FlushSites::open(startup.main, set, &startup.services));
  server->tables_.delimiters = {set.recipient_delimiter, set.owner_request_special};
  server->quotas_ = TRY(store::QuotaRules::open(*server->open_tables_, set.mail_quota, set.mail_quota_maps, server->tables_.delimiters));
  server->tables_.minimum_uid = set.virtual_minimum_uid;
  return server;
}

void Server::started() { workers_.start_housekeeping(); }

void Server::serve(server::Connection& connection) {
  server::serve_requests<ipc::Deliver>(connection, [this](const ipc::DeliveryRequest& request) { return deliver(request); });
}

ipc::DeliveryAnswer Server::deliver(const ipc::DeliveryRequest& request) {
  delivery::BounceClient sink(services_, delivery::LogSockets::of(params_), &flush_sites_);
  delivery::Recorder recorder(request, sink, clock_, {params_.soft_bounce, params_.delay_logging_resolution_limit, &status_filter_});
  for (const ipc::DeliveryRecipient& recipient : request.recipients) recorder.record(recipient, deliver_one(request, recipient));
  return recorder.answer();
}

Delivery Server::deliver_one(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient) {
  const auto box = find_mailbox(tables_, recipient.address);
  if (!box) return refused(box.error(), recipient.address);
  if (request.verify_only) {
    return ended(Status::sent, {2, 0, 0}, box->is_maildir ? "delivers to maildir" : "delivers to mailbox");
  }
  return deliver_to(request, recipient, *box);
}

Delivery Server::deliver_to(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient, const Mailbox& box) {
  const std::string full_path = params_.virtual_mailbox_base + "/" + box.path;
  if (box.is_maildir) {
    mailbox::MaildirTask task;
    task.message = task_message(request, recipient, params_.enable_original_recipient);
    task.path = box.path;
    task.below = params_.virtual_mailbox_base;
    task.host = params_.myhostname;
    task.size_limit = params_.virtual_mailbox_limit;
    task.names_sizes = params_.maildir_name_sizes;
    auto quota = quotas_.of(recipient.address);
    if (!quota) return refused({Refusal::failure, std::move(quota).error().message()}, recipient.address);
    task.quota = std::move(*quota);
    task.quota_is_temporary = params_.quota_full_tempfail;
    return concluded(workers_.ask(box.owner, task, write_patience), "delivered to maildir", "maildir delivery failed: ");
  }
  mailbox::MboxTask task;
  task.message = task_message(request, recipient, params_.enable_original_recipient);
  task.path = box.path;
  task.below = params_.virtual_mailbox_base;
  task.owner_only = params_.strict_mailbox_ownership;
  task.owner = ::geteuid() == 0 ? box.owner.uid : ::geteuid();
  task.group = ::geteuid() == 0 ? box.owner.gid : ::getegid();
  task.lock_fcntl = locks_.fcntl;
  task.lock_flock = locks_.flock;
  task.lock_dotlock = locks_.dotlock;
  task.lock_attempts = patience_.attempts;
  task.lock_delay = patience_.delay;
  task.stale_lock_time = patience_.stale;
  task.size_limit = params_.virtual_mailbox_limit;
  task.first_try = request.first_try;
  const std::string failure = fmt::format("delivery failed to mailbox {}: ", full_path);
  // Our own deliveries to a mailbox take turns here, not at its lock.
  const auto limit = patience_.total() * 2 + write_patience;
  const auto turn = workers_.mailbox_turns().take(full_path, 1, base::after(limit));
  if (!turn) return ended(Status::deferred, {4, 2, 0}, failure + turn.error().message());
  return concluded(workers_.ask(box.owner, task, limit), "delivered to mailbox", failure);
}

}  // namespace virtual_agent
