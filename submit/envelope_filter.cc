#include "submit/envelope_filter.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace submit {
namespace {

using queue::RecordType;

Judgement refused(RecordType type) {
  return {Verdict::refuse, fmt::format("unexpected record type: {}", static_cast<int>(type))};
}

bool is_one_of(std::string_view value, std::string_view a, std::string_view b) { return value == a || value == b; }

Judgement judge_attribute(std::string_view data) {
  const std::size_t equals = data.find('=');
  if (data.empty() || equals == 0) {
    return {Verdict::skip, fmt::format("ignoring malformed record: missing attribute name: {}", data)};
  }
  if (equals == std::string_view::npos) {
    return {Verdict::skip, fmt::format("ignoring malformed record: missing '=' after attribute name: {}", data)};
  }
  const std::string_view name = data.substr(0, equals), value = data.substr(equals + 1);
  if (name == "trace_flags") {
    const auto flags = ascii::parse_number(value);
    if (flags && (*flags & ~static_cast<std::uint64_t>(trace_verify | trace_record)) == 0) return {};
    return {Verdict::skip, fmt::format("ignoring unexpected trace flags: {}", value)};
  }
  for (const std::string_view known : {"create_time", "ret_flags", "notify_flags", "envelope_id", "dsn_orig_rcpt"}) {
    if (name == known) return {};
  }
  if (name == "rewrite_context" && is_one_of(value, "local", "remote")) return {};
  if (name == "encoding" && is_one_of(value, "7bit", "8bit")) return {};
  return {Verdict::skip, fmt::format("ignoring attribute record: {}", data)};
}

}  // namespace

std::optional<int> send_options_in(std::string_view size_record) {
  constexpr std::size_t fields = 6;   // content size, offset, recipients, flags, length, options
  const auto numbers = ascii::split(size_record, " ");
  const auto options = numbers.size() == fields ? ascii::parse_number(numbers.back()) : std::nullopt;
  return options ? std::optional(static_cast<int>(*options) & send_options_allowed) : std::nullopt;
}

std::string size_record_with(int send_options) { return fmt::format("{0:15} {0:15} {0:15} {0:15} {0:15} {1:15}", -1, send_options); }

Judgement EnvelopeFilter::take(RecordType type, std::string_view data) {
  using std::string_view_literals::operator""sv;
  if (part_ == Part::content) {
    if (type == RecordType::normal || type == RecordType::continued) return {};
    if (type != RecordType::extracted) return refused(type);
    part_ = Part::extracted;
    return {};
  }
  if (data.find_first_of("\0\r\n"sv) != std::string_view::npos) {
    return {Verdict::refuse, fmt::format("line break or NUL in record type: {}", static_cast<int>(type))};
  }
  if (type == RecordType::attribute) return judge_attribute(data);
  if (type == RecordType::size && part_ == Part::envelope) {
    // Nothing but the wishes; sizes are not the user's to tell.
    const auto options = send_options_in(data);
    return options && data == size_record_with(*options) ? Judgement{} : refused(type);
  }
  if (type == RecordType::recipient) {
    has_recipient_ = true;
    return {};
  }
  if (part_ == Part::extracted) {
    if (type != RecordType::end) return refused(type);
    part_ = Part::done;
    return {};
  }
  if (part_ == Part::done) return refused(type);
  if (type == RecordType::sender) {
    has_sender_ = true;
    return {};
  }
  if (type == RecordType::message_start) {
    part_ = Part::content;
    return {};
  }
  const bool is_allowed = type == RecordType::fullname || type == RecordType::verp || type == RecordType::dsn_envid ||
                          type == RecordType::dsn_notify;
  return is_allowed ? Judgement{} : refused(type);
}

}  // namespace submit
