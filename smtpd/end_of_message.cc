#include "smtpd/end_of_message.h"

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

// What the client is told for each of cleanup's verdicts; `reason` is the words of a rule, where one spoke.
Reply reply_for(const ipc::MessageClosed& closed, std::string_view taken) {
  const auto or_reason = [&](int code, mail::Dsn dsn, std::string_view text) {
    return Reply::from_text(closed.reason.empty() ? text : std::string_view(closed.reason), code, dsn);
  };
  switch (closed.status) {
    case ipc::CleanupStatus::ok: return {250, fmt::format("2.0.0 Ok: {}", taken)};
    case ipc::CleanupStatus::bad: return {451, "4.3.0 Error: internal error 1"};
    case ipc::CleanupStatus::write: return {451, "4.3.0 Error: queue file write error"};
    case ipc::CleanupStatus::space: return {452, "4.3.1 Insufficient system storage"};
    case ipc::CleanupStatus::defer: return or_reason(451, mail::Dsn(4, 3, 0), "Error: queue file write error");
    case ipc::CleanupStatus::size: return {552, "5.3.4 Error: message file too big"};
    case ipc::CleanupStatus::content: {
      const bool may_come_again = closed.reason.starts_with('4');
      return or_reason(may_come_again ? 451 : 550, mail::Dsn(may_come_again ? 4 : 5, 7, 1), "Error: message content rejected");
    }
    case ipc::CleanupStatus::hops: return {554, "5.4.0 Error: too many hops"};
    case ipc::CleanupStatus::recipients: return {550, "5.1.0 Error: no recipients specified"};
    case ipc::CleanupStatus::nobody_home: break;
  }
  return or_reason(451, mail::Dsn(4, 3, 0), "Error: queue file write error");
}

// The verdict of everybody who may still refuse the message, in order; the transaction is as it was.
Reply decide(Session& s, ContentVerdict content, std::optional<std::size_t> chunk_bytes) {
  Transaction& message = s.transaction();
  if (content != ContentVerdict::good) {
    Reply refusal = refusal_of(s, content);
    if (s.is_filtered()) s.log_filtered(refusal);
    return refusal;
  }
  const policy::Verdict verdict = s.policy().ask(policy::Stage::end_of_data, s.subject(message.only_recipient()), s.asker());
  if (verdict.refuses()) return s.refuse(verdict.reply());

  const std::string taken = chunk_bytes ? fmt::format("{} bytes queued as {}", *chunk_bytes, message.queue_id())
                                        : fmt::format("queued as {}", message.queue_id());
  const auto closed = message.finish();
  if (!closed) {
    maillog::warning("{}: {}", message.queue_id(), closed.error().message());
    return {451, "4.3.0 Error: queue file write error"};
  }
  if (closed->status == ipc::CleanupStatus::ok) s.forgive();
  if (closed->reply.empty()) return reply_for(*closed, taken);
  Reply reply = reply_of_milter(closed->reply);
  if (s.is_filtered()) s.log_filtered(reply);
  return reply;
}

}  // namespace

Reply refusal_of(const Session& s, ContentVerdict content) {
  if (content == ContentVerdict::too_big) return {552, "5.3.4 Error: message file too big"};
  return {s.params().smtpd_forbid_bare_newline_reject_code,
          fmt::format("5.5.2 {} Error: bare <LF> received", s.params().myhostname)};
}

ContentVerdict judge_content(Session& s, std::size_t size, bool has_bare_newline, std::size_t size_limit) {
  if (has_bare_newline) {
    switch (s.bare_newline()) {
      case BareNewline::accept:
      case BareNewline::normalize: break;
      case BareNewline::note: s.note_bare_newline(); break;
      case BareNewline::reject:
        s.log_reject(s.where() == "BDAT" ? "BDAT content" : end_of_message, "bare <LF> received");
        return ContentVerdict::bare_newline;
    }
  }
  if (size_limit > 0 && size > size_limit) {
    maillog::warning("{}: queue file size limit exceeded", s.log_id());
    return ContentVerdict::too_big;
  }
  return ContentVerdict::good;
}

Reply end_message(Session& s, ContentVerdict content, std::optional<std::size_t> chunk_bytes) {
  s.set_where(end_of_message);
  Reply reply = decide(s, content, chunk_bytes);
  s.reset();
  return reply;
}

}  // namespace smtpd
