#include "lib/message/sort_keys.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/message/base_subject.h"
#include "lib/message/charset.h"
#include "lib/message/encoded_words.h"
#include "lib/message/envelope.h"
#include "lib/message/fields.h"
#include "lib/message/sent_date.h"

namespace message {
namespace {

constexpr std::array sort_names{std::string_view("from"), std::string_view("to"),         std::string_view("cc"),
                                std::string_view("date"), std::string_view("subject"),    std::string_view("message-id"),
                                std::string_view("references"), std::string_view("in-reply-to")};

// Of the first field of that name.
std::optional<Address> first_address(std::string_view header, std::string_view name) {
  std::vector<Address> addresses;
  if (const auto field = find_field(header, name)) append_addresses(addresses, *field);
  return addresses.empty() ? std::nullopt : std::optional(std::move(addresses.front()));
}

std::string folded(std::string_view text) {
  std::string valid;
  append_valid_utf8(valid, text);
  std::string out = casemap(valid);
  out.resize(std::min(out.size(), sort_key_size_max));
  return out;
}

}  // namespace

bool is_sort_field(std::string_view name) {
  return std::ranges::any_of(sort_names, [&](std::string_view one) { return ascii::equal_ignoring_case(one, name); });
}

std::string sort_fields(std::string_view message) {
  std::string out;
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (!is_sort_field(field->name)) continue;
    for (const char c : field->text) {
      if (c == '\0') out += replacement;
      else out += c;
    }
  }
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  out += '\n';
  return out;
}

std::string sort_mailbox(std::string_view header, std::string_view field) {
  const auto address = first_address(header, field);
  return address ? folded(address->mailbox.value_or(std::string())) : std::string();
}

std::string sort_display_name(std::string_view header, std::string_view field) {
  const auto address = first_address(header, field);
  if (!address) return {};
  if (address->name && !address->name->empty()) return folded(decode_words(*address->name));
  return folded(address->mailbox.value_or(std::string()) + (address->host ? "@" + *address->host : std::string()));
}

std::string sort_subject(std::string_view header) {
  const auto subject = find_field(header, "Subject");
  if (!subject) return {};
  std::string out = base_subject(*subject).text;
  out.resize(std::min(out.size(), sort_key_size_max));
  return out;
}

std::optional<std::chrono::sys_seconds> sort_date(std::string_view header) {
  const auto value = find_field(header, "Date");
  const auto date = value ? parse_sent_date(*value) : std::nullopt;
  return date ? std::optional(date->time) : std::nullopt;
}

}  // namespace message
