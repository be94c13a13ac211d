#include "commands/load/smtp-source/message.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/io/file.h"
#include "lib/mail/date.h"

namespace smtp_source {
namespace {

constexpr std::size_t file_limit = std::size_t{1} << 30;
constexpr std::size_t line_length = 80;   // of a body, with its end
constexpr std::string_view line_end = "\r\n";

}  // namespace

Result<std::string> content_of_file(const std::string& path) {
  const std::string text = TRY(io::read_file(path, file_limit));
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with('.')) out += '.';
    out += line;
    out += line_end;
  }
  return out;
}

std::string body(std::optional<int> length) {
  std::string out;
  if (!length) {
    for (int i = 1; i <= 4; ++i) out += fmt::format("La de da de da {}.\r\n", i);
    return out;
  }
  auto rest = static_cast<std::size_t>(*length);
  for (std::size_t line = 1; rest > line_length; ++line, rest -= line_length) {
    // Lines begin with their number, so that a piece of a message can be placed.
    std::string text = std::to_string(line);
    text.append(line_length - line_end.size() - text.size(), 'X');
    out += text;
    out += line_end;
  }
  out.append(rest, 'X');
  return out.append(line_end);
}

std::string header(const Header& facts) {
  std::string out = fmt::format("From: <{}>\r\nTo: <{}>\r\nDate: {}\r\nMessage-Id: <{}@{}>\r\n", facts.sender, facts.recipient,
                                mail::rfc5322_date(facts.date), facts.message_id, facts.host_name);
  if (!facts.subject.empty()) out += fmt::format("Subject: {}\r\n", facts.subject);
  return out + "\r\n";
}

std::string numbered(std::string_view recipient, unsigned long number) {
  const std::size_t at = recipient.rfind('@');
  const std::string_view local = recipient.substr(0, at);
  return fmt::format("{}{}{}", local, number, at == std::string_view::npos ? std::string_view() : recipient.substr(at));
}

}  // namespace smtp_source
