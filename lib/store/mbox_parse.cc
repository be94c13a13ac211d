#include "lib/store/mbox_parse.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/store/flags.h"
#include "lib/store/mailbox.h"

namespace store {
namespace {

constexpr std::string_view from = "From ";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view days = "SunMonTueWedThuFriSat";
// Dovecot keeps so much room that a keyword more needs no bytes to be moved.
constexpr std::size_t keywords_room = 72;

constexpr std::string_view own_headers[] = {"X-IMAPbase", "X-IMAP", "X-UID", "Status", "X-Status", "X-Keywords", "Content-Length"};

// Takes a header with the lines that continue it.
std::string_view take_field(std::string_view& header) {
  std::size_t end = 0;
  do {
    end = header.find('\n', end);
    end = end == std::string_view::npos ? header.size() : end + 1;
  } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
  const std::string_view taken = header.substr(0, end);
  header.remove_prefix(end);
  return taken;
}

std::string_view name_of_field(std::string_view field) { return ascii::trim(field.substr(0, std::min(field.find(':'), field.size()))); }
std::string_view value_of_field(std::string_view field) {
  const std::size_t colon = field.find(':');
  return colon == std::string_view::npos ? std::string_view() : ascii::trim(field.substr(colon + 1));
}

bool is_own(std::string_view name) {
  return std::ranges::any_of(own_headers, [&](std::string_view own) { return ascii::equal_ignoring_case(name, own); });
}

std::uint32_t number(std::string_view text) { return static_cast<std::uint32_t>(ascii::parse_number(text, UINT32_MAX - 1).value_or(0)); }

std::uint8_t status_flags(std::string_view letters) {
  std::uint8_t flags = 0;
  for (const char letter : letters) {
    const std::uint8_t flag = letter == 'R'   ? flag::seen
                              : letter == 'A' ? flag::answered
                              : letter == 'F' ? flag::flagged
                              : letter == 'D' ? flag::deleted
                              : letter == 'T' ? flag::draft
                                              : std::uint8_t{0};
    flags = static_cast<std::uint8_t>(flags | flag);
  }
  return flags;
}

std::optional<int> two_digits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size() || !ascii::is_digit(text[at + 1]) || (!ascii::is_digit(text[at]) && text[at] != ' ')) return std::nullopt;
  return (text[at] == ' ' ? 0 : text[at] - '0') * 10 + (text[at + 1] - '0');
}

// "Wed Jan  1 10:00:00 2020", or without seconds, or with a zone's name before the year.
std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() < 21 || text[3] != ' ') return std::nullopt;
  const std::size_t week_day = days.find(text.substr(0, 3)), month = months.find(text.substr(4, 3));
  if (week_day == std::string_view::npos || week_day % 3 != 0 || month == std::string_view::npos) return std::nullopt;
  const auto day = two_digits(text, 8), hour = two_digits(text, 11), minute = two_digits(text, 14);
  if (month % 3 != 0 || !day || !hour || !minute || text[13] != ':') return std::nullopt;
  int second = 0;
  std::size_t at = 16;
  if (text[16] == ':') {
    const auto seconds = two_digits(text, 17);
    if (!seconds) return std::nullopt;
    second = *seconds;
    at = 19;
  }
  for (const std::string_view word : ascii::split(text.substr(at), " \r\n")) {
    const auto year = word.size() == 4 ? ascii::parse_number(word, 9999) : std::nullopt;
    if (!year || *year < 1970) continue;
    std::tm broken{};
    broken.tm_year = static_cast<int>(*year) - 1900;
    broken.tm_mon = static_cast<int>(month / 3);
    broken.tm_mday = *day;
    broken.tm_hour = *hour;
    broken.tm_min = *minute;
    broken.tm_sec = second;
    return ::timegm(&broken);
  }
  return std::nullopt;
}

std::string_view line_at(std::string_view text, std::size_t at) { return text.substr(at, std::min(text.find('\n', at), text.size()) - at); }

bool begins_message(std::string_view text, std::size_t at) {
  return text.substr(at).starts_with(from) && parse_from_line(line_at(text, at));
}

// The position of the next From_ line after `at` (behind an empty line), or the end.
std::size_t find_next(std::string_view text, std::size_t at) {
  if (at < text.size() && begins_message(text, at)) return at;  // an empty body
  for (std::size_t found = at;; ++found) {
    found = text.find("\n\nFrom ", found);
    if (found == std::string_view::npos) return text.size();
    if (begins_message(text, found + 2)) return found + 2;
  }
}

}  // namespace

std::optional<std::int64_t> parse_from_line(std::string_view line) {
  if (!line.starts_with(from)) return std::nullopt;
  line.remove_prefix(from.size());
  // The sender may have spaces; the date is what can be read as one.
  for (std::size_t at = 0; at != std::string_view::npos && at < line.size(); at = line.find(' ', at + 1)) {
    const std::size_t start = line.find_first_not_of(' ', at);
    if (start == std::string_view::npos) break;
    if (const auto date = parse_date(line.substr(start))) return date;
  }
  return std::nullopt;
}

std::string from_line_of(std::string_view sender, std::int64_t seconds) {
  const auto time = static_cast<time_t>(std::max<std::int64_t>(seconds, 0));
  std::tm broken{};
  ::gmtime_r(&time, &broken);
  return fmt::format("From {}  {} {} {:02} {:02}:{:02}:{:02} {}\n", sender, days.substr(static_cast<std::size_t>(broken.tm_wday) * 3, 3),
                     months.substr(static_cast<std::size_t>(broken.tm_mon) * 3, 3), broken.tm_mday, broken.tm_hour, broken.tm_min, broken.tm_sec,
                     broken.tm_year + 1900);
}

std::string visible_header(std::string_view header) {
  std::string out;
  while (!header.empty()) {
    const std::string_view field = take_field(header);
    if (!is_own(name_of_field(field))) out += field;
  }
  return out;
}

bool MboxText::parse(std::string_view text, std::uint64_t offset) {
  std::size_t at = 0;
  while (at < text.size() && (text[at] == '\n' || text[at] == '\r')) ++at;
  if (at == text.size()) return true;
  if (!begins_message(text, at)) return false;
  while (at < text.size()) {
    MboxMessage message;
    message.begin = at;
    message.date = parse_from_line(line_at(text, at)).value_or(0);
    message.header = std::min(at + line_at(text, at).size() + 1, text.size());
    std::string_view rest = text.substr(message.header);
    std::optional<std::uint64_t> length;
    const bool is_first = offset + message.begin == 0;
    bool is_pseudo = false;
    while (!rest.empty() && rest[0] != '\n' && !rest.starts_with("\r\n") && !(rest.starts_with(from) && parse_from_line(line_at(rest, 0)))) {
      const std::string_view field = take_field(rest);
      const std::string_view name = name_of_field(field), value = value_of_field(field);
      if (!is_own(name)) continue;
      if (ascii::equal_ignoring_case(name, "X-UID")) {
        message.uid = number(value);
      } else if (ascii::equal_ignoring_case(name, "Status")) {
        message.system = static_cast<std::uint8_t>(message.system | (status_flags(value) & flag::seen));
        message.is_old = value.find('O') != std::string_view::npos;
      } else if (ascii::equal_ignoring_case(name, "X-Status")) {
        message.system = static_cast<std::uint8_t>(message.system | (status_flags(value) & ~flag::seen));
      } else if (ascii::equal_ignoring_case(name, "X-Keywords")) {
        for (const std::string_view word : ascii::split(value, " ")) message.keywords.emplace_back(word);
      } else if (ascii::equal_ignoring_case(name, "Content-Length")) {
        length = ascii::parse_number(value);
      } else if (is_first) {
        const auto words = ascii::split(value, " \t\r\n");
        if (words.size() < 2) continue;
        uid_validity = number(words[0]);
        last_uid = number(words[1]);
        for (std::size_t i = 2; i < words.size(); ++i) keywords.emplace_back(words[i]);
        is_pseudo = ascii::equal_ignoring_case(name, "X-IMAP");
      }
    }
    message.body = text.size() - rest.size();
    if (rest.starts_with("\n")) message.body += 1;
    else if (rest.starts_with("\r\n")) message.body += 2;
    std::size_t next = text.size();
    if (length && *length <= text.size() - message.body) {
      // It counts only if a message begins where it says, or nothing.
      std::size_t end = message.body + static_cast<std::size_t>(*length);
      message.end = end;
      while (end < text.size() && text[end] == '\n') ++end;
      if (end != text.size() && !begins_message(text, end)) length.reset();
      next = end;
    } else {
      length.reset();
    }
    if (!length) {
      next = find_next(text, std::max<std::size_t>(message.body, 2) - 2);
      if (next < message.body) next = find_next(text, message.body);
      message.end = next < text.size() && next > message.body ? next - 1 : next;
      if (next == text.size() && text.substr(message.body).ends_with("\n\n")) --message.end;
    }
    message.next = next;
    at = next;
    if (is_pseudo) {
      has_pseudo = true;
      continue;
    }
    for (std::uint64_t* position : {&message.begin, &message.header, &message.body, &message.end, &message.next}) *position += offset;
    messages.push_back(std::move(message));
  }
  return true;
}

std::string header_with(std::string_view visible, const MboxState& state, std::uint64_t body_size) {
  std::string out(visible);
  const auto join = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  };
  if (state.uid_validity != 0) {
    const std::string names = join(state.all_keywords);
    out += fmt::format("X-IMAPbase: {} {:010}{}{}\n", state.uid_validity, state.last_uid, names.empty() ? "" : " ", names);
  }
  if (state.uid != 0) out += fmt::format("X-UID: {}\n", state.uid);
  out += fmt::format("Status: {}{}\n", (state.system & flag::seen) != 0 ? "R" : "", state.is_old ? "O" : "");
  std::string status;
  for (const auto& [letter, bit] : {std::pair{'A', flag::answered}, {'F', flag::flagged}, {'T', flag::draft}, {'D', flag::deleted}}) {
    if ((state.system & bit) != 0) status += letter;
  }
  if (!status.empty()) out += "X-Status: " + status + "\n";
  out += fmt::format("X-Keywords: {:<{}}\n", join(state.keywords), keywords_room);
  out += fmt::format("Content-Length: {}\n\n", body_size);
  return out;
}

std::string quoted_body(std::string_view body) {
  std::string out;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size() - 1) + 1;
    if (begins_message(body, at)) out += '>';
    out += body.substr(at, end - at);
    at = end;
  }
  return out;
}

}  // namespace store
