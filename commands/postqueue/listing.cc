#include "commands/postqueue/listing.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace postqueue {
namespace {

constexpr int reason_width = 78, recipient_indent = 41, long_recipient_indent = 47;

std::string local_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S", &local)};
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += ascii::is_control(c) ? fmt::format("\\u{:04X}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
  }
  return out + "\"";
}

std::string to_json(const queue::Listed& message) {
  std::string out = fmt::format(R"({{"queue_name": {}, "queue_id": {}, "arrival_time": {}, "message_size": {}, "forced_expire": {}, "sender": {}, "recipients": [)",
                                json_string(message.queue_name), json_string(message.id), message.time, message.size,
                                message.forced_expire ? "true" : "false", json_string(message.sender));
  bool first = true;
  for (const queue::ListedRecipient& recipient : message.recipients) {
    if (!std::exchange(first, false)) out += ", ";
    out += "{\"address\": " + json_string(recipient.address);
    if (!recipient.reason.empty()) out += ", \"delay_reason\": " + json_string(recipient.reason);
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
  if (messages_ == 1) {
    put(long_ids_ ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                  : "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
  }
  const std::string id = ascii::printable(message.id) + status_mark(message);
  put(fmt::format(fmt::runtime(long_ids_ ? "{:<17} {:>8} {} {}\n" : "{:<11} {:>7} {:>20} {}\n"), id, message.size,
                  local_time(message.time) + (long_ids_ ? "" : " "), ascii::printable(message.sender)));
  // A reason stands once, above all recipients in a row that share it.
  std::string last_reason;
  for (const queue::ListedRecipient& recipient : message.recipients) {
    if (!recipient.reason.empty() && recipient.reason != last_reason) {
      put(fmt::format("{:>{}}\n", "(" + ascii::printable(recipient.reason) + ")", reason_width));
      last_reason = recipient.reason;
    }
    put(fmt::format("{:>{}}{}\n", "", long_ids_ ? long_recipient_indent : recipient_indent, ascii::printable(recipient.address)));
  }
  put("\n");
}

void Printer::finish() {
  if (format_ == Format::json) return;
  if (messages_ == 0) return put("Mail queue is empty\n");
  put(fmt::format("-- {} Kbytes in {} Request{}.\n", bytes_ / 1024, messages_, messages_ == 1 ? "" : "s"));
}

}  // namespace postqueue
