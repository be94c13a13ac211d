#include "bounce/notifier.h"

#include <unordered_set>

#include "lib/base/ascii.h"
#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/mail/verp.h"
#include "lib/queue/log_file.h"
#include "lib/queue/message.h"

namespace bounce {
namespace {

constexpr std::size_t recipients_at_once = 1000;

std::string_view what(Kind kind) {
  switch (kind) {
    case Kind::failure: return "non-delivery";
    case Kind::delay: return "delay";
    case Kind::success:
    case Kind::verify: break;
  }
  return "delivery status";
}

// Those that want to hear of it: NOTIFY with this bit, or no NOTIFY at all (RFC 3461 section 4.1).
Recipients wanting(const Recipients& all, int bit) {
  return [all, bit](const std::function<bool(const ipc::RecipientStatus&)>& take) {
    return all([&](const ipc::RecipientStatus& status) {
      const bool wants = status.notify_flags == 0 ||
                         ((status.notify_flags & bit) != 0 && (status.notify_flags & mail::notify::never) == 0);
      return !wants || take(status);
    });
  };
}

Result<bool> has_any(const Recipients& recipients) {
  bool any = false;
  TRY(recipients([&](const ipc::RecipientStatus&) {
    any = true;
    return false;
  }));
  return any;
}

bool log_failure(const Subject& subject, const base::Error& error) {
  maillog::warning("{}: {}", subject.id.text(), error.message());
  return false;
}

}  // namespace

Recipients Notifier::logged(const Subject& subject, queue::Queue log) const {
  return [this, &subject, log](const std::function<bool(const ipc::RecipientStatus&)>& take) -> Result<void> {
    auto reader = TRY(queue::LogReader::open(layout_, log, subject.id));
    while (reader) {
      const auto status = TRY(reader->next());
      if (!status || !take(*status)) break;
    }
    return {};
  };
}

// A recipient that nobody has a reason for (its log is gone, or was never written) is reported without one.
Recipients Notifier::logged_or_left(const Subject& subject, const Original* original) const {
  return [this, &subject, original](const std::function<bool(const ipc::RecipientStatus&)>& take) -> Result<void> {
    std::unordered_set<std::int64_t> seen;
    bool wanted = true;
    TRY(logged(subject, queue::Queue::defer)([&](const ipc::RecipientStatus& status) {
      seen.insert(status.offset);
      wanted = take(status);
      return wanted;
    }));
    if (original == nullptr) return {};
    queue::RecipientBatch batch{original->message.recipients, original->message.more_recipients};
    while (wanted) {
      for (const queue::Recipient& recipient : batch.recipients) {
        if (seen.contains(recipient.offset)) continue;
        ipc::RecipientStatus status;
        status.recipient = recipient.address;
        status.original_recipient = recipient.original.empty() ? recipient.address : recipient.original;
        status.dsn_orig_rcpt = recipient.dsn_original;
        status.notify_flags = recipient.notify;
        status.offset = recipient.offset;
        status.status = "4.0.0";
        status.action = "delayed";
        status.reason = "(error report unavailable)";
        wanted = take(status);
        if (!wanted) break;
      }
      if (!wanted || batch.more == 0) break;
      batch = TRY(queue::read_recipients(original->file.get(), batch.more, queue::Wanted::todo, recipients_at_once));
    }
    return {};
  };
}

Notice Notifier::notice(const Subject& subject, Kind kind, const Original* original) const {
  const ipc::BounceRequest& request = subject.request;
  Notice notice;
  notice.kind = kind;
  notice.to = request.sender;
  notice.queue_id = subject.id.text();
  notice.sender = request.sender.empty() ? policy_.null_sender : request.sender;
  notice.encoding = request.encoding;
  notice.smtputf8 = request.smtputf8;
  notice.envelope_id = request.dsn_envid;
  notice.original = original;
  if (policy_.threaded && original != nullptr) notice.thread_id = original->message.attribute("message_id");
  const bool too_big = original != nullptr && original->message.content_size > policy_.size_limit;
  const int options = original == nullptr ? 0 : original->message.send_options;
  const bool requires_tls = (options & queue::tls_required) != 0;
  notice.tls_optional = policy_.heeds_tls_required && !requires_tls && (options & queue::tls_optional) != 0;
  // The way back may not have what the way here had: a notice without the content can go all the same (RFC 8689 section 5).
  notice.tls_required = requires_tls && !policy_.redacts;
  const bool is_redacted = requires_tls && policy_.redacts;
  const bool headers = kind != Kind::failure || request.dsn_ret == mail::ret::headers || too_big || is_redacted;
  notice.returned = headers ? Returned::headers : Returned::full;
  return notice;
}

bool Notifier::send(const Subject& subject, std::string_view from, const Notice& notice, const Recipients& recipients) {
  const std::string_view to = notice.postmaster_copy ? "postmaster" : "sender";
  const auto sent = outbox_.send(from, notice, templates_[notice.kind], recipients);
  if (!sent) {
    maillog::warning("{}: {} {} notification failed: {}", subject.id.text(), to, what(notice.kind), sent.error().message());
    return false;
  }
  maillog::notification_line(subject.id.text(), to, what(notice.kind), *sent);
  return true;
}

// A copy is a courtesy: without it the sender has been told all the same, and trying again would tell the sender twice.
void Notifier::copy_to_postmaster(const Subject& subject, Notice notice, const std::string& to, const Recipients& recipients) {
  notice.postmaster_copy = true;
  notice.to = to;
  notice.returned = Returned::headers;
  static_cast<void>(send(subject, policy_.double_bounce_sender, notice, recipients));
}

// `to` is the sender, or what VERP makes of it.
bool Notifier::failure(const Subject& subject, const std::string& to, const Recipients& all) {
  const auto original = Original::open(layout_, subject.queue, subject.id);
  Notice base = notice(subject, Kind::failure, original ? &*original : nullptr);
  base.to = to;
  const std::string& sender = subject.request.sender;

  // A notice that cannot be delivered to the postmaster ends here: there is nobody left to tell.
  if (ascii::equal_ignoring_case(sender, policy_.double_bounce_sender)) {
    maillog::warning("{}: undeliverable postmaster notification discarded", subject.id.text());
    return true;
  }
  if (sender.empty()) {
    if (!policy_.postmaster_2bounce) return true;
    base.postmaster_copy = true;
    base.to = policy_.double_bounce_recipient;
    return send(subject, policy_.double_bounce_sender, base, all);
  }
  const Recipients told = wanting(all, mail::notify::failure);
  const auto any = has_any(told);
  if (!any) return log_failure(subject, any.error());
  if (*any && !send(subject, "", base, told)) return false;
  if (policy_.postmaster_bounce) copy_to_postmaster(subject, base, policy_.bounce_recipient, all);
  return true;
}

// A notice for each recipient, to the sender that names it. When one of them cannot be sent, all are sent at the next try:
// the log does not say who was told.
bool Notifier::failure_each(const Subject& subject, const Recipients& all) {
  bool all_sent = true;
  const auto read = all([&](const ipc::RecipientStatus& status) {
    const ipc::BounceRequest& request = subject.request;
    const std::string& recipient = status.original_recipient.empty() ? status.recipient : status.original_recipient;
    all_sent = failure(subject, mail::verp_sender(request.verp, request.sender, recipient),
                       [&](const std::function<bool(const ipc::RecipientStatus&)>& take) -> Result<void> {
                         static_cast<void>(take(status));
                         return {};
                       });
    return all_sent;
  });
  return read ? all_sent : log_failure(subject, read.error());
}

bool Notifier::flush(const Subject& subject, queue::Queue log) {
  const auto original = Original::open(layout_, subject.queue, subject.id);
  const Recipients all = log == queue::Queue::defer ? logged_or_left(subject, original ? &*original : nullptr)
                                                    : logged(subject, log);
  const auto any = has_any(all);
  if (!any) return log_failure(subject, any.error());
  const std::string& sender = subject.request.sender;
  const bool each = !subject.request.verp.empty() && !sender.empty();
  if (*any && !(each ? failure_each(subject, all) : failure(subject, sender, all))) return false;
  return remove(subject, log);
}

bool Notifier::one(const Subject& subject) {
  return failure(subject, subject.request.sender, [&](const std::function<bool(const ipc::RecipientStatus&)>& take) -> Result<void> {
    static_cast<void>(take(subject.request.recipient));
    return {};
  });
}

bool Notifier::warn(const Subject& subject) {
  if (subject.request.sender.empty() || ascii::equal_ignoring_case(subject.request.sender, policy_.double_bounce_sender)) {
    return true;
  }
  const auto original = Original::open(layout_, subject.queue, subject.id);
  const Notice base = notice(subject, Kind::delay, original ? &*original : nullptr);
  const Recipients all = logged(subject, queue::Queue::defer);
  const Recipients told = wanting(all, mail::notify::delay);
  const auto any = has_any(told);
  if (!any) return log_failure(subject, any.error());
  if (*any && !send(subject, "", base, told)) return false;
  if (policy_.postmaster_delay) copy_to_postmaster(subject, base, policy_.delay_recipient, all);
  return true;
}

bool Notifier::trace(const Subject& subject) {
  const bool nobody = subject.request.sender.empty() ||
                      ascii::equal_ignoring_case(subject.request.sender, policy_.double_bounce_sender);
  const Recipients all = logged(subject, queue::Queue::trace);
  const auto any = has_any(all);
  if (!any) return log_failure(subject, any.error());
  if (*any && !nobody) {
    const auto original = Original::open(layout_, subject.queue, subject.id);
    const bool asked = (subject.request.trace_flags & (queue::trace_verify | queue::trace_record)) != 0;
    const Notice report = notice(subject, asked ? Kind::verify : Kind::success, original ? &*original : nullptr);
    if (!send(subject, "", report, all)) return false;
  }
  return remove(subject, queue::Queue::trace);
}

bool Notifier::remove(const Subject& subject, queue::Queue log) const {
  const auto removed = queue::dispose(layout_, log, subject.id, policy_.remains);
  if (!removed) return log_failure(subject, removed.error());
  return true;
}

}  // namespace bounce
