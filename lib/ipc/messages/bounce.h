#pragma once
// Delivery agents, qmgr, cleanup and smtpd tell bounce(8) (as services bounce, defer and trace) what became of a
// recipient, and ask it to send the notices. The logs are bounce/ID, defer/ID, trace/ID in the queue directory.

#include "lib/ipc/message.h"

namespace ipc {

enum class BounceCommand {
  append,  // add one recipient to the message's log
  flush,   // send the notice to the sender from the log, then remove the log (bounce: failure; defer: expired)
  warn,    // send a delay notice; the log stays
  one,     // one recipient that is in no log (no queue file): send its notice now
  trace,   // send the success/verify notice from the trace log, then remove the log
  remove,  // the message is gone: remove the log
};

// A recipient's status. The names are those of the log files (POSTFIX-FACTS section 10).
struct RecipientStatus {
  std::string recipient, original_recipient, dsn_orig_rcpt;
  int notify_flags = 0;
  std::int64_t offset = 0;    // of its record in the queue file
  std::string status;         // "5.1.1"
  std::string action;         // failed, delayed, relayed, delivered, expanded, deliverable, undeliverable
  std::string diag_type, diag_text;   // "smtp", "550 5.1.1 unknown" (Diagnostic-Code), or empty
  std::string mta_type, mta_mname;    // "dns", "mx.example.com" (Remote-MTA), or empty
  std::string reason;         // text for people
  static constexpr auto fields = std::tuple{
      Field{"recipient", &RecipientStatus::recipient},
      Field{"original_recipient", &RecipientStatus::original_recipient},
      Field{"dsn_orig_rcpt", &RecipientStatus::dsn_orig_rcpt},
      Field{"notify_flags", &RecipientStatus::notify_flags},
      Field{"offset", &RecipientStatus::offset},
      Field{"status", &RecipientStatus::status},
      Field{"action", &RecipientStatus::action},
      Field{"diag_type", &RecipientStatus::diag_type},
      Field{"diag_text", &RecipientStatus::diag_text},
      Field{"mta_type", &RecipientStatus::mta_type},
      Field{"mta_mname", &RecipientStatus::mta_mname},
      Field{"reason", &RecipientStatus::reason},
  };
};

struct BounceRequest {
  BounceCommand command = BounceCommand::append;
  std::string queue_name, queue_id;     // where the message is
  std::string sender;                   // to whom a notice goes
  std::string encoding;
  bool smtputf8 = false;
  std::string dsn_envid;
  int dsn_ret = 0;
  std::string verp;                     // flush: VERP delimiters; each recipient gets a notice of its own
  int trace_flags = 0;                  // trace: the message's trace_flags (sendmail -v, -bv); 0 for a success DSN
  bool delete_on_failure = false;       // remove what was written when the request fails
  RecipientStatus recipient;            // append and one
  static constexpr auto fields = std::tuple{
      Field{"command", &BounceRequest::command},       Field{"queue_name", &BounceRequest::queue_name},
      Field{"queue_id", &BounceRequest::queue_id},     Field{"sender", &BounceRequest::sender},
      Field{"encoding", &BounceRequest::encoding},     Field{"smtputf8", &BounceRequest::smtputf8},
      Field{"envelope_id", &BounceRequest::dsn_envid}, Field{"ret_flags", &BounceRequest::dsn_ret},
      Field{"verp", &BounceRequest::verp},
      Field{"trace_flags", &BounceRequest::trace_flags},
      Field{"delete_on_failure", &BounceRequest::delete_on_failure},
      Field{"status", &BounceRequest::recipient},
  };
};
struct BounceAnswer {
  bool ok = false;  // false: nothing is promised, keep the recipient and defer the message
  static constexpr auto fields = std::tuple{Field{"ok", &BounceAnswer::ok}};
};
// Asked at "private/bounce", "private/defer" or "private/trace": the service name picks the log.
struct Bounce {
  using Request = BounceRequest;
  using Answer = BounceAnswer;
  static constexpr std::chrono::seconds timeout{300};
};

}  // namespace ipc
