#include "postmap/message_keys.h"

#include "lib/base/ascii.h"
#include "lib/mail/header.h"

namespace postmap {
namespace {

using Ask = std::function<Result<void>(std::string_view key)>;

// The next line without its ending; `rest` moves behind it.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// The next header field, its folded lines included; none at the first line that is not of a header.
std::optional<std::string_view> take_field(std::string_view& rest) {
  std::string_view after = rest;
  if (rest.empty() || !mail::split_header(take_line(after))) return std::nullopt;
  const char* const start = rest.data();
  while (!after.empty() && mail::is_folded(after)) take_line(after);
  std::string_view field(start, static_cast<std::size_t>(after.data() - start));
  if (field.ends_with('\n')) field.remove_suffix(1);
  rest = after;
  return field;
}

// Messages inside of messages and the headers of attachments, which -m also takes, need the MIME parser.
Result<void> check_mime(const Options& options, std::string_view field) {
  const auto header = mail::split_header(field);
  if (!options.mime || !header || !ascii::equal_ignoring_case(header->name, "Content-Type")) return {};
  const std::string_view type = ascii::trim(header->value);
  if (ascii::starts_with_ignoring_case(type, "multipart/") || ascii::starts_with_ignoring_case(type, "message/")) {
    return base::fail("-m: multipart messages are not supported yet");
  }
  return {};
}

}  // namespace

Result<void> for_each_key(const Options& options, std::string_view input, const Ask& ask) {
  std::string_view rest = input;
  if (options.header_keys || options.body_keys) {
    while (const auto field = take_field(rest)) {
      TRY(check_mime(options, *field));
      if (options.header_keys) TRY(ask(*field));
    }
    if (!options.body_keys) return {};
  }
  while (!rest.empty()) TRY(ask(take_line(rest)));
  return {};
}

}  // namespace postmap
