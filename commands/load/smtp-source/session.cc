#include "commands/load/smtp-source/session.h"

#include <unistd.h>

#include <fmt/format.h>

#include "commands/load/arguments.h"
#include "commands/load/smtp-source/message.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"

namespace smtp_source {
namespace {

constexpr std::chrono::milliseconds reconnect_pause{100};

Deadline deadline() { return base::after(load::time_limit); }

}  // namespace

void Session::run() {
  while (shared_.work.take()) {
    shared_.work.wait();
    if (!stream_) {
      connect();
      greet();
    }
    send_message();
    if (shared_.options.keep_connection && !shared_.work.is_done()) continue;
    command("QUIT", "QUIT command");
    stream_.reset();
  }
  if (!stream_) return;
  // Others took the last message.
  command("QUIT", "QUIT command");
  stream_.reset();
}

void Session::connect() {
  for (int attempt = 1;; ++attempt) {
    Result<Fd> fd = load::connect(shared_.target, shared_.options.window, deadline());
    if (fd) {
      stream_.emplace(std::move(*fd));
      return;
    }
    if (attempt >= shared_.options.pace.connect_attempts) maillog::fatal("{}", fd.error().message());
    maillog::warning("{}", fd.error().message());
    event::sleep_until(base::after(reconnect_pause));
  }
}

void Session::greet() {
  const smtp::ServerReply banner = reply("server banner");
  if (!banner.is_positive()) maillog::fatal("rejected at server banner: {}", banner.text);
  if (shared_.options.bare) return;
  switch (shared_.options.protocol) {
    case Protocol::smtp: static_cast<void>(accepted(command("HELO " + shared_.options.host_name, "HELO command"), "HELO")); return;
    case Protocol::lmtp: static_cast<void>(accepted(command("LHLO " + shared_.options.host_name, "LHLO command"), "LHLO")); return;
  }
}

smtp::ServerReply Session::command(const std::string& line, std::string_view name) {
  if (shared_.options.verbose) maillog::info("{}", line);
  stream_->write(line, deadline());
  stream_->write("\r\n", deadline());
  if (stream_->flush(deadline()) != io::End::ok) maillog::fatal("lost connection while sending {}", name);
  return reply(name);
}

smtp::ServerReply Session::reply(std::string_view name) {
  const auto ignore = [](std::string_view) {};
  smtp::ReadReply read = smtp::read_reply(*stream_, deadline(), {ignore, ignore, ignore});
  switch (read.end) {
    case io::End::ok: break;
    case io::End::timeout: maillog::fatal("timeout while sending {}", name);
    case io::End::eof:
    case io::End::too_long:
    case io::End::error: maillog::fatal("lost connection while sending {}", name);
  }
  if (shared_.options.verbose) {
    const auto& lines = read.reply.lines;
    for (std::size_t i = 0; i < lines.size(); ++i) maillog::info("<<< {}{}{}", read.reply.code, i + 1 < lines.size() ? '-' : ' ', lines[i]);
  }
  return std::move(read.reply);
}

bool Session::accepted(const smtp::ServerReply& reply, std::string_view name) {
  if (reply.is_positive() || reply.is_intermediate()) return true;
  if (!shared_.options.go_on_after_refusal) maillog::fatal("{} rejected: {}", name, reply.text);
  maillog::warning("{} rejected: {}", name, reply.text);
  return false;
}

bool Session::send_envelope(std::string& last_recipient) {
  const Options& options = shared_.options;
  if (!accepted(command(fmt::format("MAIL FROM:<{}>", options.sender), "sender"), "sender")) return false;
  bool any = false;
  for (int i = 0; i < options.recipients; ++i) {
    last_recipient = options.number_recipients ? numbered(options.recipient, shared_.recipients++) : options.recipient;
    if (accepted(command(fmt::format("RCPT TO:<{}>", last_recipient), "recipient"), "recipient")) any = true;
  }
  return any && accepted(command("DATA", "DATA command"), "data");
}

void Session::send_content(const std::string& recipient) {
  const Options& options = shared_.options;
  if (!options.bare && !options.file) {
    stream_->write(header({.sender = options.sender,
                           .recipient = recipient,
                           .host_name = options.host_name,
                           .subject = options.subject,
                           .message_id = fmt::format("{:04x}.{:04x}.{:04x}", ::getpid(), stream_->fd(), shared_.work.left()),
                           .date = base::system_clock().stamp()}),
                   deadline());
  }
  stream_->write(shared_.content, deadline());
}

void Session::send_message() {
  std::string last_recipient;
  if (!send_envelope(last_recipient)) {
    command("RSET", "RSET command");
    return;
  }
  send_content(last_recipient);
  const int replies = shared_.options.protocol == Protocol::lmtp ? shared_.options.recipients : 1;
  static_cast<void>(accepted(command(".", "end of data"), "end of data"));
  for (int i = 1; i < replies; ++i) static_cast<void>(accepted(reply("end of data"), "end of data"));
  shared_.work.count();
}

}  // namespace smtp_source
