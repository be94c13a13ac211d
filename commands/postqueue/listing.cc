#include "commands/postqueue/listing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/base/json_string.h"

namespace postqueue {
namespace {

constexpr std::size_t reason_width = 78, recipient_indent = 41, long_recipient_indent = 47;

// Columns count bytes.
void to_left(std::string& out, std::string_view text, std::size_t width) {
  (out += text).append(width - std::min(width, text.size()), ' ');
}
void to_right(std::string& out, std::string_view text, std::size_t width) {
  out.append(width - std::min(width, text.size()), ' ') += text;
}

std::string local_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S", &local)};
}

std::string to_json(const queue::Listed& message) {
  std::string out = fmt::format(R"({{"queue_name": {}, "queue_id": {}, "arrival_time": {}, "message_size": {}, "forced_expire": {}, "sender": {}, "recipients": [)",
                                base::json_string(message.queue_name), base::json_string(message.id), message.time, message.size,
                                message.forced_expire ? "true" : "false", base::json_string(message.sender));
  bool first = true;
  for (const queue::ListedRecipient& recipient : message.recipients) {
    if (!std::exchange(first, false)) out += ", ";
    out += "{\"address\": " + base::json_string(recipient.address);
    if (!recipient.reason.empty()) out += ", \"delay_reason\": " + base::json_string(recipient.reason);
    out += "}";
  }
  return out + "]}\n";
}

char status_mark(const queue::Listed& message) {
  if (message.queue_name == "active") return '*';
  if (message.queue_name == "hold") return '!';
  return message.forced_expire ? '#' : ' ';
}

void put(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

void Printer::print(const queue::Listed& message) {
  ++messages_;
  bytes_ += message.size;
  if (format_ == Format::json) return put(to_json(message));
  print_table(message);
}

void Printer::print_table(const queue::Listed& message) {
  std::string out;
  if (messages_ == 1) {
    out = long_ids_ ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                    : "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
  }
  to_left(out, ascii::printable(message.id) + status_mark(message), long_ids_ ? 17 : 11);
  out += ' ';
  to_right(out, std::to_string(message.size), long_ids_ ? 8 : 7);
  out += ' ';
  to_right(out, local_time(message.time), long_ids_ ? 0 : 19);
  (out += long_ids_ ? " " : "  ") += ascii::printable(message.sender);
  out += '\n';
  // A reason stands once, above all recipients in a row that share it.
  std::string_view last_reason;
  for (const queue::ListedRecipient& recipient : message.recipients) {
    if (!recipient.reason.empty() && recipient.reason != last_reason) {
      to_right(out, "(" + ascii::printable(recipient.reason) + ")", reason_width);
      out += '\n';
      last_reason = recipient.reason;
    }
    out.append(long_ids_ ? long_recipient_indent : recipient_indent, ' ') += ascii::printable(recipient.address);
    out += '\n';
  }
  put(out += '\n');
}

void Printer::finish() {
  if (format_ == Format::json) return;
  if (messages_ == 0) return put("Mail queue is empty\n");
  put(fmt::format("-- {} Kbytes in {} Request{}.\n", bytes_ / 1024, messages_, messages_ == 1 ? "" : "s"));
}

}  // namespace postqueue
