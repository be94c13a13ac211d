#include "smtp/connection.h"

#include <utility>

#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr int closing_code = 421;             // RFC 5321 section 3.8: the server closes
constexpr std::size_t shown_of_a_line = 30;   // of a line that is too long, in warnings

// How long a command may take to go out when nobody waits for its reply.
constexpr std::chrono::seconds buffer_patience{300};

std::string start_of(std::string_view line) { return std::string(line.substr(0, shown_of_a_line)) + "..."; }

}  // namespace

Connection::Connection(Fd fd, Peer peer, Protocol protocol)
    : opened(std::chrono::steady_clock::now()), stream_(std::move(fd)), peer_(std::move(peer)), protocol_(protocol) {}

delivery::Delivery Connection::ended(io::End end, std::string_view stage) {
  is_broken_ = true;
  return end == io::End::timeout ? endings::timed_out(peer_, stage) : endings::lost(peer_, stage);
}

// What we say, for the log.
void Connection::tell(std::string_view line) {
  if (is_debugged_) maillog::info("> {}: {}", peer_.relay(), line);
}

void Connection::command(std::string_view line) { secret_command(line, line); }

void Connection::secret_command(std::string_view line, std::string_view shown) {
  tell(shown);
  // A failure is sticky in the stream, and reply() tells of it.
  const Deadline deadline = base::after(buffer_patience);
  if (transcript_) transcript_->sent(shown);
  stream_.write(line, deadline);
  stream_.write("\r\n", deadline);
}

Step<void> Connection::content(std::string_view bytes, Deadline deadline) {
  if (stream_.write(bytes, deadline)) return {};
  return std::unexpected(ended(stream_.last_errno() == 0 ? io::End::timeout : io::End::error, "sending message body"));
}

Step<void> Connection::flush_content(Deadline deadline) {
  if (const io::End end = stream_.flush(deadline); end != io::End::ok) return std::unexpected(ended(end, "sending message body"));
  return {};
}

Step<void> Connection::end_content(Deadline deadline) {
  tell(".");
  return content(".\r\n", deadline);
}

Step<ServerReply> Connection::reply(std::string_view stage, std::chrono::seconds timeout) {
  const ReplyEvents events{
      .not_smtp =
          [this](std::string_view line) {
            maillog::warning("{}: non-ESMTP response from {}: {}", queue_id_, peer_.relay(), line.substr(0, 100));
            if (!features.pipelining || std::exchange(has_warned_of_pipelining_, true)) return;
            maillog::warning("to prevent loss of mail, turn off command pipelining for {} with the "
                             "smtp_discard_ehlo_keyword_address_maps parameter", peer_.address);
          },
      .line_too_long = [this](std::string_view line) {
        maillog::warning("{}: response longer than {}: {}", peer_.relay(), reply_line_limit, start_of(line));
      },
      .reply_too_long = [this](std::string_view line) {
        maillog::warning("{}: multi-line response longer than {} {}", peer_.relay(), reply_text_limit, start_of(line));
      },
      .replace = [this](std::string_view line) { return filtered(line); },
      .heard = [this](std::string_view line) {
        if (transcript_) transcript_->heard(line);
        if (is_debugged_) maillog::info("< {}: {}", peer_.relay(), line);
      },
  };
  ReadReply read = read_reply(stream_, base::after(timeout), events);
  if (read.end != io::End::ok) return std::unexpected(ended(read.end, stage));
  if (read.reply.code == closing_code) is_leaving_ = true;
  note_reply(read.reply.code);
  return std::move(read.reply);
}

std::optional<std::string> Connection::filtered(std::string_view line) const {
  if (reply_filter_ == nullptr || reply_filter_->empty()) return std::nullopt;
  const auto found = reply_filter_->lookup(line);
  if (!found) {
    maillog::warning("{}: {}", queue_id_, found.error().message());
    return std::nullopt;
  }
  if (*found) maillog::info("{}: replacing server reply \"{}\" with \"{}\"", peer_.relay(), line, **found);
  return *found;
}

// Replies that say that we do not speak SMTP well (RFC 5321 section 4.2.1: x0z), or that are none, are the postmaster's matter.
void Connection::note_reply(int code) {
  const bool is_fine = (code >= 200 && code < 300) || code == 354;
  const bool is_refusal = code >= 400 && code <= 599 && code != 555 && (code < 500 || code > 509);
  if (transcript_ && !is_fine && !is_refusal) transcript_->note(delivery::NoticeClass::protocol);
}

Step<ServerReply> Connection::ask(std::string_view line, std::string_view stage, std::chrono::seconds timeout) {
  command(line);
  return reply(stage, timeout);
}

void Connection::quit(Goodbye goodbye, std::chrono::seconds timeout) {
  if (is_broken_) return;
  is_broken_ = true;
  const Deadline deadline = goodbye == Goodbye::at_once ? Deadline::min() : base::after(timeout);
  if (transcript_) transcript_->sent("QUIT");
  tell("QUIT");
  stream_.write("QUIT\r\n", deadline);
  if (stream_.flush(deadline) != io::End::ok) return;
  if (goodbye == Goodbye::at_once) return end_privacy();
  static_cast<void>(read_reply(stream_, deadline, {.not_smtp = [](auto) {}, .line_too_long = [](auto) {}, .reply_too_long = [](auto) {}}));
  end_privacy();
}

// TLS has an end of its own, which the server's may have to follow (tls_fast_shutdown_enable).
void Connection::end_privacy() {
  if (privacy != Privacy::none) stream_.shutdown();
}

}  // namespace smtp
