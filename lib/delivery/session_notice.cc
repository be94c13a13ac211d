#include "lib/delivery/session_notice.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/queue/message_stream.h"

namespace delivery {
namespace {

constexpr std::chrono::seconds patience{600};

struct Word {
  std::string_view word;
  NoticeClass value;
};
constexpr std::array words_of_classes{
    Word{"bounce", NoticeClass::bounce},     Word{"2bounce", NoticeClass::double_bounce}, Word{"data", NoticeClass::data},
    Word{"delay", NoticeClass::delay},       Word{"policy", NoticeClass::policy},         Word{"protocol", NoticeClass::protocol},
    Word{"resource", NoticeClass::resource}, Word{"software", NoticeClass::software},
};

constexpr std::size_t width = 78;
constexpr std::string_view mark_in = "In:  ", mark_out = "Out: ", prefix_first = " ", prefix_more = "     ";

// What of a line that has its mark goes behind the prefix.
std::string_view take_piece(std::string_view& rest, std::string_view prefix) {
  const std::size_t room = width + 1 - prefix.size();
  std::size_t end = rest.size() <= room ? rest.size() : rest.rfind(' ', room);
  if (end == std::string_view::npos || end <= mark_in.size()) end = std::min(rest.find(' ', room), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

// Of a line without its mark. To make it printable changes neither its length nor its blanks.
std::size_t count_of_pieces(std::string_view line) {
  if (mark_in.size() + line.size() <= width) return 1;
  const std::string text = fmt::format("{}{}", mark_in, line);
  std::string_view rest = text;
  std::size_t count = 0;
  for (std::string_view prefix = prefix_first; !rest.empty(); prefix = prefix_more) {
    take_piece(rest, prefix);
    ++count;
  }
  return count;
}

}  // namespace

Result<NoticeClass> parse_notice_classes(std::string_view words) {
  NoticeClass out = NoticeClass::none;
  for (const std::string_view word : ascii::split(words, ", \t\r\n")) {
    const auto found = std::ranges::find_if(words_of_classes, [&](const Word& each) { return ascii::equal_ignoring_case(each.word, word); });
    if (found == words_of_classes.end()) return base::fail(fmt::format("unknown notify_classes value \"{}\" in \"{}\"", word, words));
    out = out | found->value;
  }
  return out;
}

void Transcript::add(char direction, std::string_view line) {
  if (spoken_.size() >= size_limit) return;
  spoken_ += direction;
  line = line.substr(0, size_limit - spoken_.size());
  for (const char c : line) spoken_ += c == '\n' ? '?' : c;
  spoken_ += '\n';
  size_ += count_of_pieces(line);
}

std::vector<std::string> Transcript::lines() const {
  std::vector<std::string> lines;
  for (std::string_view left = spoken_; !left.empty() && lines.size() < line_limit; left.remove_prefix(left.find('\n') + 1)) {
    const std::string_view line = left.substr(1, left.find('\n') - 1);
    const std::string text = std::string(left.front() == '>' ? mark_out : mark_in) + ascii::printable(line);
    std::string_view rest = text, prefix = prefix_first;
    while (lines.size() < line_limit) {
      lines.push_back(std::string(prefix) + std::string(take_piece(rest, prefix)));
      if (rest.empty()) break;
      prefix = prefix_more;
    }
  }
  return lines;
}

void SessionNotices::send(const Notice& notice, const Transcript& transcript) const {
  if (const auto sent = submit(notice, transcript); !sent) maillog::warning("postmaster notify: {}", sent.error().message());
}

Result<void> SessionNotices::submit(const Notice& notice, const Transcript& transcript) const {
  using queue::RecordType;
  const Deadline deadline = base::after(patience);
  const Stamp now = clock_.stamp();
  ipc::CleanupFlags flags = ipc::CleanupFlags::internal | ipc::CleanupFlags::map;
  if (site_.is_filtered) flags = flags | ipc::CleanupFlags::filter | ipc::CleanupFlags::milters;
  queue::MessageStream message = TRY(queue::MessageStream::open(services_, flags, deadline, site_.cleanup_socket));
  message.add(RecordType::time, std::to_string(std::chrono::system_clock::to_time_t(now)), deadline);
  message.add_attribute("log_message_origin", "local", deadline);
  message.add_attribute("rewrite_context", "local", deadline);
  const std::string& sender = site_.double_bounce_sender;
  message.add(RecordType::sender, sender.contains('@') ? sender : fmt::format("{}@{}", sender, site_.myhostname), deadline);
  message.add(RecordType::recipient, notice.to, deadline);
  message.add(RecordType::message_start, {}, deadline);
  const auto line = [&](std::string_view text) { message.add_line(text, site_.line_length_limit, deadline); };
  const std::string date = mail::rfc5322_date(now), to = mail::to_external(notice.named_to.empty() ? notice.to : notice.named_to);
  line(fmt::format("Received: by {} ({})", site_.myhostname, site_.mail_name));
  line(fmt::format("\tid {}; {}", message.queue_id(), date));
  line(fmt::format("Date: {}", date));
  line(site_.from_has_comment ? fmt::format("From: MAILER-DAEMON@{} (Mail Delivery System)", site_.myhostname)
                              : fmt::format("From: Mail Delivery System <MAILER-DAEMON@{}>", site_.myhostname));
  line(site_.from_has_comment ? fmt::format("To: {} (Postmaster)", to) : fmt::format("To: Postmaster <{}>", to));
  line("Subject: " + ascii::printable(notice.subject));
  line("");
  if (!notice.opening.empty()) {
    line(notice.opening);
    line("");
  }
  line("Transcript of session follows.");
  line("");
  for (const std::string& each : transcript.lines()) line(each);
  line("");
  for (const std::string& each : notice.closing) line(each);
  line("For other details, see the local mail logfile");
  message.add(RecordType::extracted, {}, deadline);
  const ipc::MessageClosed closed = TRY(message.finish(deadline));
  if (closed.status != ipc::CleanupStatus::ok) return base::fail("cleanup did not take the notice: " + closed.reason);
  return {};
}

}  // namespace delivery
