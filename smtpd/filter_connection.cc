#include "smtpd/filter_connection.h"

#include <utility>

#include "lib/log/log.h"

namespace smtpd {
namespace {

constexpr std::size_t shown_of_garbage = 100, shown_of_long_line = 30;
// No connection is kept: a filter that has said no once may think otherwise of the next message.
constexpr maps::ServerLifetime not_kept{std::chrono::seconds(0), std::chrono::seconds(0)};

std::string start_of(std::string_view line) { return std::string(line.substr(0, shown_of_long_line)) + "..."; }

}  // namespace

Reply reply_of(const smtp::ServerReply& said) {
  std::string words;
  for (const std::string& line : said.lines) {
    if (!words.empty()) words += '\n';
    words += line;
  }
  return {said.code, std::move(words)};
}

std::string whole_text(const Reply& reply) {
  std::string text = reply.wire();
  text.resize(text.size() - std::string_view("\r\n").size());
  return text;
}

std::unique_ptr<FilterConnection> FilterConnection::open(const FilterSetup& setup) {
  maps::ServerConnections connections(setup.address, not_kept);
  auto connection = connections.take(base::after(setup.timeout));
  if (connection) return std::make_unique<FilterConnection>(setup, std::move(connection->stream));
  maillog::warning("connect to proxy filter {}: {}", setup.name, connection.error().message());
  return nullptr;
}

FilterConnection::~FilterConnection() {
  if (is_broken_ || is_in_content_) return;
  stream_.write("QUIT\r\n", Deadline::min());
  static_cast<void>(stream_.flush(Deadline::min()));
}

void FilterConnection::break_off(bool is_late) {
  if (std::exchange(is_broken_, true)) return;
  maillog::warning("{} proxy {}", is_late ? "timeout talking to" : "lost connection with", setup_.name);
}

std::optional<smtp::ServerReply> FilterConnection::reply() {
  if (is_broken_) return std::nullopt;
  const smtp::ReplyEvents events{
      .not_smtp = [this](std::string_view line) {
        maillog::warning("received garbage from proxy {}: {}", setup_.name, line.substr(0, shown_of_garbage));
      },
      .line_too_long = [this](std::string_view line) {
        maillog::warning("{}: response longer than {}: {}", setup_.name, smtp::reply_line_limit, start_of(line));
      },
      .reply_too_long = [this](std::string_view line) {
        maillog::warning("{}: multi-line response longer than {} {}", setup_.name, smtp::reply_text_limit, start_of(line));
      },
  };
  smtp::ReadReply read = smtp::read_reply(stream_, deadline(), events);
  if (read.end == io::End::ok) return std::move(read.reply);
  break_off(read.end == io::End::timeout);
  return std::nullopt;
}

std::optional<smtp::ServerReply> FilterConnection::ask(std::string_view command) {
  write(command);
  write("\r\n");
  return reply();
}

void FilterConnection::log_rejected(std::string_view command, const smtp::ServerReply& reply) const {
  maillog::warning("proxy {} rejected \"{}\": \"{}\"", setup_.name, command, whole_text(reply_of(reply)));
}

void FilterConnection::write(std::string_view bytes) {
  if (is_broken_ || stream_.write(bytes, deadline())) return;
  break_off(stream_.last_errno() == 0);
}

std::optional<smtp::ServerReply> FilterConnection::end_content() {
  auto said = ask(".");
  is_in_content_ = false;
  return said;
}

}  // namespace smtpd
