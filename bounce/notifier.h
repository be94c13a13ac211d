#pragma once
// Which notices a request calls for, and when a log may go: only after cleanup has said that its notice is in the queue.

#include <string>
#include <vector>

#include "bounce/notice.h"
#include "bounce/outbox.h"
#include "bounce/template.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/queue/id.h"
#include "lib/queue/layout.h"
#include "lib/queue/saved.h"

namespace bounce {

// The addresses and limits of bounce.params, in the form in which they are used.
struct Policy {
  bool postmaster_bounce = false, postmaster_2bounce = false, postmaster_delay = false;  // notify_classes
  std::string bounce_recipient, double_bounce_recipient, delay_recipient;
  std::string double_bounce_sender;  // complete: double-bounce@$myhostname
  std::string null_sender;           // who stands for the null sender in reports: MAILER-DAEMON@$myhostname
  std::int64_t size_limit = 0;       // bounce_size_limit
  bool heeds_tls_required = true;    // tls_required_enable
  bool redacts = true;               // requiretls_redact_dsn
  bool threaded = false;             // enable_threaded_bounces
  queue::Remains remains = queue::Remains::removed;  // of logs: dont_remove
};

// A request whose names have been checked.
struct Subject {
  const ipc::BounceRequest& request;
  queue::QueueId id;
  queue::Queue queue;   // where the message is
};

class Notifier {
 public:
  Notifier(queue::Layout layout, Policy policy, Templates templates, Outbox& outbox)
      : layout_(std::move(layout)), policy_(std::move(policy)), templates_(std::move(templates)), outbox_(outbox) {}

  // Each returns true when all that was promised is in the queue and the log is gone.

  // The failure notice of a log: bounce/ID, or defer/ID for a message that has become too old. For the latter also the
  // recipients that no log knows, so that none is dropped in silence.
  [[nodiscard]] bool flush(const Subject& subject, queue::Queue log);
  // One recipient that is in no log.
  [[nodiscard]] bool one(const Subject& subject);
  // The delay notice of defer/ID, which stays.
  [[nodiscard]] bool warn(const Subject& subject);
  // The report of trace/ID.
  [[nodiscard]] bool trace(const Subject& subject);
  [[nodiscard]] bool remove(const Subject& subject, queue::Queue log) const;

 private:
  [[nodiscard]] bool failure(const Subject& subject, const std::string& to, const Recipients& all);
  [[nodiscard]] bool failure_each(const Subject& subject, const Recipients& all);
  [[nodiscard]] Recipients logged(const Subject& subject, queue::Queue log) const;
  [[nodiscard]] Recipients logged_or_left(const Subject& subject, const Original* original) const;
  [[nodiscard]] Notice notice(const Subject& subject, Kind kind, const Original* original) const;
  [[nodiscard]] bool send(const Subject& subject, std::string_view from, const Notice& notice, const Recipients& recipients);
  void copy_to_postmaster(const Subject& subject, Notice notice, const std::string& to, const Recipients& recipients);

  queue::Layout layout_;
  Policy policy_;
  Templates templates_;
  Outbox& outbox_;
};

}  // namespace bounce
