#include "qmgr/completion.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/queue/saved.h"

namespace qmgr {

using queue::Queue;

Completed Completion::complete(const ActiveMessage& message) {
  const queue::QueueId& id = message.id();
  // The order: a recipient that bounced is done in the file, so the notice must be in the queue before the message may
  // go. Whatever fails leaves the log where it is, and the message for another try.
  const bool told = tell(message);
  bool deferred = message.is_deferred();
  if (!told) {
    deferred = true;  // however old it is: the log is the last trace of recipients that are done
  } else if (deferred && (message.is_force_expired() || is_expired(message))) {
    maillog::info("{}: from=<{}>, status={}, returned to sender", id.text(), mail::logged_address(message.envelope().sender),
                  message.is_force_expired() ? "force-expired" : "expired");
    deferred = !ask_bounce(sockets_.defer, ipc::BounceCommand::flush, message);
  } else if (deferred && warns_now(message)) {
    // A warning that cannot be sent now is due again at the next try.
    if (ask_bounce(sockets_.defer, ipc::BounceCommand::warn, message)) {
      note_in_file(id, [&](int fd) { return queue::clear_warn_time(fd, message.envelope().warn_offset); });
    }
  }
  if (deferred) {
    // sendmail -v reports the first attempt only.
    if (message.envelope().trace_flags != 0 && told) {
      note_in_file(id, [&](int fd) { return queue::kill_record(fd, message.envelope().trace_offset); });
    }
    defer(id, message.envelope().arrived);
    return Completed::deferred;
  }
  // On the pool: an unlink waits for the file system's journal, for as long as an fsync does.
  Result<void> removed;
  static_cast<void>(removals_.run([&] {
    static_cast<void>(layout_.remove(Queue::defer, id));
    removed = queue::dispose(layout_, Queue::active, id, queue::remains_of(params_.dont_remove));
  }));
  if (!removed) {
    maillog::warning("{}: {}", id.text(), removed.error().message());
  }
  maillog::info("{}: removed", id.text());
  return Completed::removed;
}

bool Completion::tell(const ActiveMessage& message) {
  const queue::QueueId& id = message.id();
  const bool failures = !layout_.exists(Queue::bounce, id) || ask_bounce(sockets_.bounce, ipc::BounceCommand::flush, message);
  const bool traces = !layout_.exists(Queue::trace, id) || ask_bounce(sockets_.trace, ipc::BounceCommand::trace, message);
  return failures && traces;
}

void Completion::set_aside(const ActiveMessage& message) {
  static_cast<void>(tell(message));
  maillog::warning("{}: the content is damaged; moving it to the corrupt queue", message.id().text());
  if (const auto moved = queue::set_aside(layout_, Queue::active, message.id()); !moved) {
    maillog::warning("{}: {}", message.id().text(), moved.error().message());
  }
}

void Completion::note_in_file(const queue::QueueId& id, const std::function<Result<void>(int fd)>& change) {
  const std::string path = layout_.path(Queue::active, id);
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  const auto changed = change(file.get());
  if (!changed) maillog::warning("{}: {}", id.text(), changed.error().message());
}

bool Completion::ask_bounce(std::string_view service, ipc::BounceCommand command, const ActiveMessage& message) {
  const queue::Message& envelope = message.envelope();
  ipc::BounceRequest request{.command = command,
                             .queue_name = std::string(queue::name(Queue::active)),
                             .queue_id = message.id().text(),
                             .sender = envelope.sender,
                             .encoding = envelope.encoding,
                             .smtputf8 = (envelope.send_options & queue::smtputf8_requested) != 0,
                             .dsn_envid = envelope.dsn_envid,
                             .dsn_ret = envelope.dsn_ret,
                             .verp = params_.disable_verp_bounces ? "" : envelope.verp,
                             .trace_flags = envelope.trace_flags};
  const auto answer = services_.ask_at<ipc::Bounce>(service, request);
  if (answer && answer->ok) return true;
  maillog::warning("{}: {}: no notice could be sent{}{}", message.id().text(), service, answer ? "" : ": ",
                   answer ? "" : answer.error().message());
  return false;
}

bool Completion::is_expired(const ActiveMessage& message) {
  const auto lifetime =
      message.envelope().sender.empty() ? params_.bounce_queue_lifetime : params_.maximal_queue_lifetime;
  look_at_clock();
  return jumps_.age(message.envelope().arrived) >= lifetime;
}

bool Completion::warns_now(const ActiveMessage& message) const {
  const auto warn_time = message.envelope().warn_time;
  return warn_time && !message.envelope().sender.empty() && clock_.stamp() >= *warn_time;
}

void Completion::defer(const queue::QueueId& id, Stamp arrived) {
  const Stamp now = clock_.stamp();
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - arrived);
  const auto wait = std::clamp(age, params_.minimal_backoff_time, params_.maximal_backoff_time);
  const auto next = std::chrono::duration_cast<std::chrono::seconds>((now + wait).time_since_epoch()).count();
  const std::string path = layout_.path(Queue::active, id);
  const timespec stamp{static_cast<time_t>(next), 0};
  const timespec times[2] = {stamp, stamp};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT) {
    maillog::warning("{}: {}", id.text(), base::Error::system("set next try of " + path).message());
  }
  const auto moved = layout_.move(id, Queue::active, Queue::deferred);
  if (!moved && moved.error().code() != ENOENT) maillog::warning("{}: {}", id.text(), moved.error().message());
}

}  // namespace qmgr
