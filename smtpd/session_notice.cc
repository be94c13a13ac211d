// The session's transcript, for the postmaster, of what went wrong (notify_classes); and for the log (debug_peer_list).

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

using delivery::NoticeClass;

constexpr NoticeClass own_classes = NoticeClass::bounce | NoticeClass::data | NoticeClass::policy | NoticeClass::protocol |
                                    NoticeClass::resource | NoticeClass::software;

// Replies to ETRN for a site that may not ask are nobody's matter.
constexpr int etrn_refused = 459;

// What a refusal says about: the client, its mail, or us.
NoticeClass class_of(const Reply& reply, bool was_refused) {
  if (!reply.is_error() || reply.code() == etrn_refused) return NoticeClass::none;
  const std::string text = reply.text();
  const auto says = [&](std::string_view words) { return text.contains(words); };
  if (says("4.3.1 Insufficient system storage") || says("4.3.0 Error: queue file write error")) return NoticeClass::resource;
  // An error transport's own words with that code are a policy.
  const bool is_our_fault = says("4.3.0 Error: ") || says(": Temporary lookup failure");
  if (says("4.3.5 ") || is_our_fault) return NoticeClass::software;
  if (says("User unknown in ") || says("Error: too many hops") || says("Error: message file too big")) return NoticeClass::bounce;
  if (was_refused || says("5.7.") || says("5.3.4 ")) return NoticeClass::policy;
  return NoticeClass::protocol;
}

// A password that comes with its command is not for the postmaster either.
std::string without_secrets(std::string_view line) {
  const auto words = ascii::split(line, " ");
  if (words.size() < 3 || !ascii::equal_ignoring_case(words.front(), "AUTH")) return std::string(line);
  return fmt::format("{} {} ...", words[0], words[1]);
}

}  // namespace

bool Session::is_debugged() const { return params().debug_peer_level > 0 && is_listed_in(server_.tables().debug_peers); }

void Session::keep_transcript() {
  is_debugged_ = is_debugged();
  if (server_.notices().wants(own_classes)) transcript_.emplace();
}

void Session::heard(std::string_view line) {
  if (is_debugged_) maillog::info("< {}: {}", client_.name_and_address, without_secrets(line));
  if (!transcript_) return;
  const auto limit = static_cast<std::size_t>(params().smtpd_history_flush_threshold);
  // A long past is forgotten, unless there is something to tell of it.
  if (transcript_->size() > limit && transcript_->errors() == NoticeClass::none) transcript_->clear();
  transcript_->heard(without_secrets(line));
}

void Session::said(std::string_view wire) {
  if (!transcript_ && !is_debugged_) return;
  for (const std::string_view line : ascii::split(wire, "\r\n")) {
    if (transcript_) transcript_->sent(line);
    if (is_debugged_) maillog::info("> {}: {}", client_.name_and_address, line);
  }
}

void Session::note_error(const Reply& reply) {
  if (transcript_) transcript_->note(class_of(reply, was_refused_));
}

void Session::notify() {
  if (!transcript_ || !server_.notices().wants(transcript_->errors())) return;
  std::vector<std::string> closing{"", ""};
  switch (ending_) {
    case Ending::none:
    case Ending::quit:
    case Ending::refused: closing.erase(closing.begin()); break;
    case Ending::lost_connection: closing.front() = "Session aborted, reason: lost connection"; break;
    case Ending::timeout: closing.front() = "Session aborted, reason: timeout"; break;
    case Ending::too_many_errors: closing.front() = "Session aborted, reason: too many errors"; break;
    case Ending::line_too_long: closing.front() = "Session aborted, reason: line too long"; break;
  }
  const bool is_of_bounce = (transcript_->errors() & NoticeClass::bounce) != NoticeClass::none && server_.notices().wants(NoticeClass::bounce);
  server_.notices().send({.to = is_of_bounce ? params().bounce_notice_recipient : params().error_notice_recipient,
                          .named_to = params().error_notice_recipient,
                          .subject = fmt::format("{} SMTP server: errors from {}", params().mail_name, client_.name_and_address),
                          .opening = {},
                          .closing = std::move(closing)},
                         *transcript_);
}

}  // namespace smtpd
