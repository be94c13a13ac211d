#include "lib/imap/url.h"

#include <algorithm>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/imap/mailbox_name.h"

namespace imap {
namespace {

constexpr std::string_view scheme = "imap://";

base::Failure invalid(std::string_view why) { return base::fail("Invalid IMAP URL: " + std::string(why)); }

std::optional<unsigned> hex_value(char c) {
  if (ascii::is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii::to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

// None for a '%' without two digits, and for "%00".
std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (!high || !low || (*high | *low) == 0) return std::nullopt;
    out += static_cast<char>(static_cast<unsigned char>(*high << 4 | *low));
    i += 2;
  }
  return out;
}

std::optional<std::uint32_t> nonzero(std::string_view text) {
  const auto number = ascii::parse_number(text, UINT32_MAX);
  return number && *number != 0 ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

// "user;AUTH=*@host:port".
Result<void> parse_authority(std::string_view text, MessageUrl& url) {
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    const auto user = decode_percent(text.substr(0, std::min(at, text.find(';'))));
    if (!user) return invalid("Bad user");
    url.user = *user;
    text.remove_prefix(at + 1);
  }
  const auto host = decode_percent(text.starts_with('[') ? text.substr(0, text.find(']') + 1) : text.substr(0, text.find(':')));
  if (!host || host->empty()) return invalid("IMAP URL does not allow empty host identifier");
  url.host = *host;
  return {};
}

// "INBOX/a;UIDVALIDITY=5".
Result<void> parse_mailbox(std::string_view text, MessageUrl& url) {
  const std::size_t semicolon = text.find(';');
  if (semicolon != std::string_view::npos) {
    constexpr std::string_view name = ";UIDVALIDITY=";
    const std::string_view parameter = text.substr(semicolon);
    if (!ascii::starts_with_ignoring_case(parameter, name)) return invalid("Unknown parameter of the mailbox");
    url.uid_validity = nonzero(parameter.substr(name.size()));
    if (!url.uid_validity) return invalid("Bad UIDVALIDITY");
    text = text.substr(0, semicolon);
  }
  if (text.empty()) return url.uid_validity ? invalid("UIDVALIDITY without a mailbox") : Result<void>();
  const auto decoded = decode_percent(text);
  const auto mailbox = decoded ? decode_mailbox_name(*decoded, NameCoding::utf8) : std::nullopt;
  if (!mailbox) return invalid("Bad mailbox name");
  url.mailbox = *mailbox;
  return {};
}

// "1.HEADER.FIELDS (subject to)". False when it is none.
bool parse_section(std::string_view encoded, MessageUrl& url) {
  const auto text = decode_percent(encoded);
  if (!text || text->empty()) return false;
  const std::size_t blank = text->find(' ');
  auto section = Section::parse(std::string_view(*text).substr(0, blank));
  if (!section || section->wants_fields() == (blank == std::string::npos)) return false;
  if (section->wants_fields()) {
    const std::string_view list = std::string_view(*text).substr(blank + 1);
    if (!list.starts_with('(') || !list.ends_with(')')) return false;
    for (const std::string_view name : ascii::split(list.substr(1, list.size() - 2), " ")) {
      if (!section->add_field(name)) return false;
    }
    if (section->fields.empty()) return false;
  }
  url.section = *std::move(section);
  return true;
}

bool parse_partial(std::string_view text, MessageUrl& url) {
  const std::size_t dot = text.find('.');
  const auto offset = ascii::parse_number(text.substr(0, dot), INT64_MAX);
  auto size = std::optional<std::uint64_t>(INT64_MAX);
  if (dot != std::string_view::npos) size = ascii::parse_number(text.substr(dot + 1), INT64_MAX);
  if (!offset || !size) return false;
  url.section.partial = {.offset = *offset, .size = *size};
  return true;
}

// "/;NAME=value" at the front of `text`, which is taken off.
std::optional<std::string_view> take_parameter(std::string_view& text, std::string_view name) {
  if (!ascii::starts_with_ignoring_case(text, name)) return std::nullopt;
  const std::size_t end = std::min(text.find('/', name.size()), text.size());
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end);
  return value;
}

}  // namespace

Result<MessageUrl> MessageUrl::parse(std::string_view text) {
  MessageUrl url;
  if (text.size() > url_size_max) return invalid("Too long");
  if (text.find_first_of("?#") != std::string_view::npos) return invalid("Query and fragment do not go with a message");
  if (ascii::starts_with_ignoring_case(text, scheme)) {
    text.remove_prefix(scheme.size());
    const std::size_t end = std::min(text.find('/'), text.size());
    TRY(parse_authority(text.substr(0, end), url));
    text.remove_prefix(end);
  } else if (text.starts_with("//") || text.substr(0, text.find('/')).contains(':')) {
    return invalid("Not an IMAP URL");
  }
  if (text.starts_with('/') && !text.starts_with("/;")) text.remove_prefix(1);
  const std::size_t parameters = text.starts_with(';') ? 0 : text.find("/;");
  if (parameters == std::string_view::npos) return base::fail("Invalid messagepart IMAP URL");
  TRY(parse_mailbox(text.substr(0, parameters), url));
  text.remove_prefix(parameters + (text.starts_with(';') ? 0 : 1));

  const auto uid = take_parameter(text, ";UID=");
  const auto number = uid ? nonzero(*uid) : std::nullopt;
  if (!number) return invalid("Bad UID");
  url.uid = *number;
  if (const auto section = take_parameter(text, "/;SECTION="); section && !parse_section(*section, url)) return invalid("Bad SECTION");
  if (const auto partial = take_parameter(text, "/;PARTIAL="); partial && !parse_partial(*partial, url)) return invalid("Bad PARTIAL");
  if (!text.empty() && text != "/") return invalid("Unexpected parameter");
  return url;
}

}  // namespace imap
