// DATA (RFC 5321 section 4.1.1.4): the message itself, up to CRLF "." CRLF.

#include "lib/log/log.h"
#include "smtpd/content.h"
#include "smtpd/end_of_message.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {

std::optional<Reply> data(Session& s, const Command& command) {
  if (!command.rest.empty()) return Reply(501, "5.5.4 Syntax: DATA");
  if (const policy::Verdict verdict = s.policy().ask(policy::Stage::data, s.subject(s.transaction().only_recipient()), s.asker()); verdict.refuses()) {
    return s.refuse(verdict.reply());
  }
  if (auto refusal = s.milters().data()) return refusal;
  Transaction& message = s.transaction();
  if (auto refusal = message.pass_on("DATA", Wanted::go_on)) return refusal;
  message.begin_content(s.received_header());
  if (!s.send(Reply(354, "End data with <CR><LF>.<CR><LF>"))) return std::nullopt;

  const std::size_t line_limit = static_cast<std::size_t>(s.params().line_length_limit);
  const auto size_limit = static_cast<std::size_t>(s.params().message_size_limit);
  DataDecoder decoder(message, line_limit, s.server().trusts_clients() ? DataEnd::any_newline : DataEnd::crlf_only);
  ContentVerdict verdict = ContentVerdict::good;
  const Deadline started = s.server().clock().now();
  // Reckoned anew for each second at the least rate, not for each line.
  const auto step = static_cast<std::size_t>(s.params().smtpd_min_data_rate);
  Deadline until{};
  for (std::size_t reckoned_at = 0;;) {
    if (decoder.size() >= reckoned_at) {
      until = s.content_deadline(started, decoder.size());
      reckoned_at = decoder.size() + step;
    }
    const io::LineResult line = s.stream().read_line(until, line_limit);
    if (!line && line.end() != io::End::too_long) {
      s.lost(line.end(), decoder.size());
      return std::nullopt;
    }
    if (decoder.feed(line.text(), line ? line.ending() : io::LineEnding::none)) break;
    if (verdict == ContentVerdict::good) {
      verdict = judge_content(s, decoder.size(), decoder.has_bare_newline(), size_limit);
      if (verdict != ContentVerdict::good) message.refuse_content();
    }
  }
  return end_message(s, verdict, std::nullopt);
}

}  // namespace smtpd
