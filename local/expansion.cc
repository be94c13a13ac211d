#include "local/expansion.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"

namespace local {
namespace {

using delivery::Delivery;
using delivery::Status;

constexpr std::string_view relay = "local";

ForwardSettings forward_settings(const Agent& agent) {
  return {agent.params.myhostname, agent.params.mail_name, static_cast<std::size_t>(agent.params.line_length_limit),
          agent.prepend.has("forward"), "public/" + agent.params.cleanup_service_name};
}

}  // namespace

Expansion::Expansion(Agent& agent, const ipc::DeliveryRequest& request, delivery::Recorder& recorder,
                     const ipc::DeliveryRecipient& recipient, const delivery::DeliveredTo& delivered_to)
    : agent_(agent),
      request_(request),
      recorder_(recorder),
      top_(recipient),
      message_delivered_to_(delivered_to),
      duplicates_(static_cast<std::size_t>(agent.params.duplicate_filter_limit)),
      forwarding_(request, forward_settings(agent)) {}

Status Expansion::run() {
  Step step;
  step.recipient = top_;
  if (step.recipient.original.empty()) step.recipient.original = top_.address;
  step.sender = request_.sender;
  step.delivered_to = top_.address;
  step.rights = agent_.default_rights;
  if (message_delivered_to_.contains(top_.address)) {
    bounced(step, {5, 4, 6}, "mail forwarding loop for " + top_.address);
  } else {
    deliver(std::move(step));
  }
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    deliver_item(*next.parent, next.item);
  }
  // New messages leave only when nothing has to come again: they would leave each time.
  if (!is_deferred_) submit_forwarded();
  if (is_deferred_) return Status::deferred;
  return is_bounced_ ? Status::bounced : Status::sent;
}

void Expansion::submit_forwarded() {
  Step step;
  step.recipient = top_;
  // The expansion has been reported.
  if (is_expanded_) step.recipient.notify &= ~mail::notify::success;
  for (std::size_t i = 0; i < forwarding_.size(); ++i) {
    const auto id = forwarding_.submit(i, *agent_.services, agent_.clock->stamp());
    if (id) {
      sent(step, "forwarded as " + *id);
    } else {
      maillog::warning("{}: unable to forward: {}", request_.queue_id, id.error().message());
      deferred(step, {4, 3, 0}, "unable to forward message");
    }
  }
}

Name Expansion::parse(const Step& step) const {
  const mail::AddressParts parts = mail::split(step.recipient.address);
  std::string_view local = parts.local;
  Name name;
  name.is_final = local.starts_with('\\');
  if (name.is_final) local.remove_prefix(1);
  name.local = ascii::lowercase(local);
  name.domain = parts.domain;
  const mail::LocalParts split = mail::split_extension(
      name.local, {agent_.params.recipient_delimiter, agent_.params.owner_request_special});
  name.user = split.user;
  name.extension = split.extension;
  if (split.has_extension) name.delimiter = name.local.substr(name.user.size(), 1);
  return name;
}

Macros Expansion::macros(const Step& step, const Name& name, const process::Account* account) const {
  Macros values;
  values.user = name.user;
  values.recipient = step.recipient.address;
  values.extension = name.extension;
  values.domain = name.domain;
  values.local = name.local;
  values.delimiter = name.delimiter.empty() ? agent_.params.recipient_delimiter.substr(0, 1) : name.delimiter;
  if (account != nullptr) {
    values.home = account->home;
    values.shell = account->shell;
  }
  return values;
}

// The order of local(8): aliases, .forward, mailbox; then what there is for unknown users.
void Expansion::deliver(Step step) {
  if (step.level > nesting_limit) {
    // One notice for all the branches of a loop.
    if (std::exchange(loop_reported_, true)) return;
    maillog::warning("recipient nesting limit exceeded for {}", step.recipient.address);
    return bounced(step, {5, 4, 6}, "recipient nesting limit exceeded");
  }
  Name name = parse(step);
  if (name.is_final) {
    step.recipient.address.erase(0, 1);
  } else if (expand_alias(step, name)) {
    return;
  }
  deliver_to_user(std::move(step), std::move(name));
}

Result<process::Account> Expansion::find_account(const std::string& user) {
  if (const process::Account* const recent = agent_.accounts.find(user)) return *recent;
  auto account = event::blocking([&] { return process::find_account(user); });
  if (account) agent_.accounts.keep(user, *account);  // who is not there yet may be there at the next look
  return account;
}

void Expansion::deliver_to_user(Step step, Name name) {
  const auto account = find_account(name.user);
  if (!account && account.error().code() != 0) {
    maillog::warning("{}: {}", request_.queue_id, account.error().message());
    return deferred(step, {4, 3, 0}, "user lookup error");
  }
  if (!account) {
    if (!passed_on(step, name, agent_.mailbox_passing) && !passed_on(step, name, agent_.fallback_passing)) unknown_user(step, name);
    return;
  }
  // A user in his own .forward means his mailbox.
  const bool in_own_forward = step.forward_user == account->name;
  if (!name.is_final && !in_own_forward && expand_forward(step, name, *account)) return;
  if (!passed_on(step, name, agent_.mailbox_passing)) deliver_to_mailbox(step, name, *account);
}

void Expansion::unknown_user(const Step& step, const Name& name) {
  if (agent_.params.luser_relay.empty() || step.from_luser) {
    // A notice about them would only make more mail for them.
    if (name.user == "mailer-daemon" || name.user == "postmaster") {
      maillog::warning("required alias not found: {}", name.user);
      return sent(step, "discarded");
    }
    return bounced(step, {5, 1, 1}, fmt::format("unknown user: \"{}\"", name.user));
  }
  const auto address = expand(agent_.params.luser_relay, macros(step, name, nullptr), {});
  if (!address) {
    maillog::warning("luser_relay: {}", address.error().message());
    return deferred(step, {4, 3, 5}, "mail system configuration error");
  }
  Step relayed = step;
  relayed.from_luser = true;
  relayed.origin = Origin::direct;
  relayed.unmatched_extension.clear();
  ++relayed.level;
  deliver_address(relayed, *address);
}

void Expansion::deliver_later(Step parent, std::vector<std::string> items) {
  items_ += items.size();
  if (items_ > expansion_limit) {
    // One notice, whatever waits.
    pending_.clear();
    if (std::exchange(expansion_reported_, true)) return;
    return bounced(parent, {5, 4, 6}, "recipient expansion limit exceeded");
  }
  const auto shared = std::make_shared<const Step>(std::move(parent));
  for (std::string& item : items | std::views::reverse) pending_.push_back({shared, std::move(item)});
}

void Expansion::deliver_item(const Step& parent, const std::string& item) {
  const mailbox::Destination destination = mailbox::classify(item);
  switch (destination.kind) {
    case mailbox::DestinationKind::command:
      if (!agent_.allow_commands.has(parent.origin)) return bounced(parent, {5, 7, 1}, "mail to command is restricted");
      return run_command(parent, parent.rights, destination.text);
    case mailbox::DestinationKind::file:
      if (!agent_.allow_files.has(parent.origin)) return bounced(parent, {5, 7, 1}, "mail to file is restricted");
      return deliver_to_file(parent, destination.text);
    case mailbox::DestinationKind::include: return include(parent, destination.text);
    case mailbox::DestinationKind::address: return deliver_address(parent, destination.text);
  }
}

void Expansion::deliver_address(const Step& parent, std::string_view item) {
  const bool is_final = item.starts_with('\\');
  if (is_final) item.remove_prefix(1);
  std::string address(item);
  if (!parent.unmatched_extension.empty() && !is_final) {
    address.insert(mail::split(address).local.size(), parent.unmatched_extension);
  }
  const auto rewritten = agent_.addresses->rewrite("local", mail::to_external(address));
  const auto resolved = rewritten ? agent_.addresses->resolve(parent.sender, mail::to_internal(*rewritten))
                                  : Result<ipc::AddressAnswer>(base::Failure(rewritten.error()));
  if (!resolved || resolved->status == ipc::ResolveStatus::fail) {
    if (!resolved) maillog::warning("{}: {}", request_.queue_id, resolved.error().message());
    return deferred(parent, {4, 3, 0}, "address resolver failure");
  }

  Step step = parent;
  step.recipient.address = resolved->address;
  // An owner- alias hides from the members' notices what the list was addressed as.
  if (step.owner) {
    step.recipient.original.clear();
    step.recipient.dsn_original = "rfc822;" + step.recipient.address;
  }
  ++step.level;
  const bool is_here = resolved->status == ipc::ResolveStatus::ok && resolved->transport == request_.transport;
  if (!is_here) return forward(std::move(step));
  const Name name = parse(step);
  const bool is_self = parent.origin == Origin::forward && name.user == parent.forward_user;
  if (is_final || is_self) step.recipient.address.insert(0, 1, '\\');
  if (is_final || is_self || !step.requeue) return deliver(std::move(step));
  // A list within a list is expanded in one go; its members become new messages, each with the owner that it then has.
  if (step.level <= nesting_limit && expand_alias(step, name)) return;
  forward(std::move(step));
}

void Expansion::forward(Step step) {
  if (!duplicates_.is_first("address", ascii::lowercase(step.recipient.address))) return;
  if (message_delivered_to_.contains(step.recipient.address)) {
    return bounced(step, {5, 4, 6}, "mail forwarding loop for " + step.recipient.address);
  }
  if (request_.verify_only) return sent(step, "forwards to " + step.recipient.address);
  if (step.recipient.original.empty() && !step.owner) step.recipient.original = top_.address;
  forwarding_.add(step.sender, step.delivered_to, step.recipient);
}

void Expansion::report(const Step& step, Delivery delivery) {
  delivery.relay = relay;
  if (step.owner && *step.owner != request_.sender) delivery.notice_to = step.owner;
  switch (recorder_.report(step.recipient, delivery)) {
    case Status::sent: break;
    case Status::bounced: is_bounced_ = true; break;
    case Status::deferred: is_deferred_ = true; break;
  }
}

void Expansion::sent(const Step& step, std::string reason) {
  Delivery delivery;
  delivery.status = Status::sent;
  delivery.dsn = {2, 0, 0};
  delivery.reason = std::move(reason);
  report(step, std::move(delivery));
}

void Expansion::bounced(const Step& step, mail::Dsn dsn, std::string reason) {
  Delivery delivery;
  delivery.status = Status::bounced;
  delivery.dsn = dsn;
  delivery.reason = std::move(reason);
  report(step, std::move(delivery));
}

void Expansion::deferred(const Step& step, mail::Dsn dsn, std::string reason) {
  Delivery delivery;
  delivery.status = Status::deferred;
  delivery.dsn = dsn;
  delivery.reason = std::move(reason);
  report(step, std::move(delivery));
}

void Expansion::conclude(const Step& step, const Result<mailbox::TaskOutcome>& answer, std::string success,
                         std::string_view prefix) {
  if (!answer) {
    maillog::warning("{}: {}", request_.queue_id, answer.error().message());
    return deferred(step, {4, 3, 0}, "delivery worker failure");
  }
  for (const std::string& warning : answer->warnings) maillog::warning("{}", warning);
  const mail::Dsn dsn = mail::Dsn::parse(answer->dsn).value_or(mail::Dsn(4, 3, 0));
  if (dsn.is_success()) return sent(step, std::move(success));
  const std::string reason = std::string(prefix) + answer->reason;
  if (dsn.is_permanent()) return bounced(step, dsn, reason);
  deferred(step, dsn, reason);
}

void Expansion::expanded(Step& step, bool has_new_owner) {
  is_expanded_ = true;
  const bool is_wanted = request_.success_trace || request_.verify_only || (step.recipient.notify & mail::notify::success) != 0;
  if (is_wanted && !request_.verify_only) {
    Delivery delivery;
    delivery.status = Status::sent;
    delivery.dsn = {2, 0, 0};
    delivery.relay = relay;
    delivery.reason = "alias expanded";
    delivery.action = has_new_owner ? "delivered" : "expanded";
    recorder_.trace(step.recipient, delivery);
  }
  step.recipient.notify = mail::notify::without_success(step.recipient.notify);
}

mailbox::TaskMessage Expansion::task_message(const Step& step, std::string_view context) const {
  mailbox::TaskMessage message;
  message.file = mailbox::read_only(request_.file);
  message.data_offset = request_.data_offset;
  message.sender = step.sender;
  if (agent_.params.enable_original_recipient) {
    message.original_to = step.recipient.original.empty() ? step.recipient.address : step.recipient.original;
  }
  if (agent_.prepend.has(context)) message.delivered_to = step.delivered_to;
  message.arrived = request_.arrived;
  return message;
}

}  // namespace local
