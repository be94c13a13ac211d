#include "lib/smtp/reply.h"

#include <optional>
#include <utility>

#include "lib/base/ascii.h"

namespace smtp {

std::optional<ReplyLine> parse_reply_line(std::string_view line) {
  constexpr std::size_t digits = 3;
  if (line.size() < digits) return std::nullopt;
  int code = 0;
  for (const char c : line.substr(0, digits)) {
    if (!ascii::is_digit(c)) return std::nullopt;
    code = 10 * code + (c - '0');
  }
  const char separator = line.size() > digits ? line[digits] : ' ';
  if (separator != ' ' && separator != '-') return std::nullopt;
  return ReplyLine{code, separator == '-', line.substr(std::min(line.size(), digits + 1))};
}

mail::Dsn dsn_of(int code, std::string_view text) {
  const int cls = code / 100;
  if (cls != 2 && cls != 4 && cls != 5) return {5, 5, 0};
  const std::optional<mail::Dsn> dsn = mail::Dsn::parse_prefix(text);
  return dsn && dsn->cls() == cls ? *dsn : mail::Dsn(cls, 0, 0);
}

ReadReply read_reply(io::Stream& stream, Deadline deadline, const ReplyEvents& events) {
  ServerReply reply;
  std::size_t total = 0;
  bool in_long_line = false;
  bool has_long_reply = false;
  while (total <= reply_total_limit) {
    const io::LineResult line = stream.read_line(deadline, reply_line_limit);
    if (line.end() != io::End::ok && line.end() != io::End::too_long) return {line.end(), {}};
    total += line.text().size() + 1;
    // The parts of a long line after the first are dropped.
    const bool is_continuation = std::exchange(in_long_line, line.end() == io::End::too_long);
    if (is_continuation) continue;
    if (in_long_line) events.line_too_long(line.text());
    const std::optional<std::string> other = events.replace ? events.replace(line.text()) : std::nullopt;
    const std::string_view text = other ? std::string_view(*other) : line.text();
    if (events.heard) events.heard(text);
    const std::optional<ReplyLine> parsed = parse_reply_line(text);
    if (!parsed) {
      events.not_smtp(text);
      continue;
    }
    if (reply.text.size() + text.size() + 1 > reply_text_limit) {
      if (!std::exchange(has_long_reply, true)) events.reply_too_long(text);
    } else {
      if (!reply.text.empty()) reply.text += ' ';
      reply.text += text;
      reply.lines.emplace_back(parsed->text);
    }
    if (parsed->has_more) continue;
    reply.code = parsed->code;
    reply.dsn = dsn_of(parsed->code, parsed->text);
    while (in_long_line && total <= reply_total_limit) {  // its rest
      const io::LineResult rest = stream.read_line(deadline, reply_line_limit);
      if (rest.end() != io::End::ok && rest.end() != io::End::too_long) return {rest.end(), {}};
      total += rest.text().size() + 1;
      in_long_line = rest.end() == io::End::too_long;
    }
    if (!in_long_line) return {io::End::ok, std::move(reply)};
  }
  return {io::End::too_long, {}};
}

}  // namespace smtp
