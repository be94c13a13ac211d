#include "cleanup/content.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "cleanup/field_lines.h"
#include "cleanup/full_name.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/header_addresses.h"

namespace cleanup {
namespace {

// For content filters that know nothing of REQUIRETLS (RFC 8689): what is sent on comes back with it.
constexpr std::string_view require_tls_field = "Require-TLS-ESMTP";

// A line ends where its record ends: no other line break may get into the file.
bool has_stray_break(std::string_view data, bool replace_cr) {
  return data.contains('\n') || (replace_cr && data.contains('\r'));
}
std::string without_stray_breaks(std::string_view data, bool replace_cr) {
  std::string out(data);
  std::ranges::replace_if(out, [&](char c) { return c == '\n' || (replace_cr && c == '\r'); }, ' ');
  return out;
}

bool has_any(std::string_view data, std::string_view characters) { return data.find_first_of(characters) != std::string_view::npos; }

std::string without(std::string_view data, std::string_view characters) {
  std::string out(data);
  std::erase_if(out, [&](char c) { return characters.contains(c); });
  return out;
}

// Faults are looked for where somebody refuses them.
mail::MimeScan::Complain complaint(const Policy& policy, bool is_checked, Checks& checks) {
  if (!is_checked || !policy.parse_mime || policy.refused_faults.empty()) return nullptr;
  return [&policy, &checks](mail::MimeFault fault, std::string_view text) {
    if (std::ranges::find(policy.refused_faults, fault) != policy.refused_faults.end()) checks.refuse_fault(fault, text);
  };
}

}  // namespace

Content::Content(Addresses& addresses, const Policy& policy, Output& output, ContentContext context)
    : addresses_(addresses),
      policy_(policy),
      output_(output),
      context_(std::move(context)),
      canonical_(addresses, policy, context_.queue_id),
      header_(policy.header_size_limit, *this),
      checks_(policy.checks, {context_.queue_id, context_.origin, context_.sender, context_.recipient, context_.protocol, context_.helo}),
      mime_({policy.mime_nesting_limit, policy.mime_boundary_length_limit}, complaint(policy, context_.is_checked, checks_)),
      walk_(policy.parse_mime ? &mime_ : nullptr, policy.header_size_limit, *this) {
  if (policy.converts) downgrade_.emplace();
}

void Content::take(std::string_view data, bool is_whole) {
  if (is_over()) return;
  std::string fixed;
  if (has_stray_break(data, policy_.replace_stray_cr_lf)) {
    fixed = without_stray_breaks(data, policy_.replace_stray_cr_lf);
    data = fixed;
  }
  if (context_.is_checked && has_any(data, policy_.rejected_characters)) return checks_.refuse_character(data);
  if (context_.is_checked && has_any(data, policy_.stripped_characters)) {
    fixed = without(data, policy_.stripped_characters);
    data = fixed;
  }
  if (!downgrade_) return take_line(data, is_whole);
  downgrade_->write(data, is_whole, converted_);
  take_converted();
}

void Content::take_converted() {
  for (const mail::Downgrade::Line& line : std::exchange(converted_, {})) take_line(line.text, line.ends_line);
}

void Content::take_line(std::string_view data, bool is_whole) {
  if (is_over()) return;
  if (header_.is_open()) header_.take(data, is_whole);
  else body(data, is_whole);
}

void Content::finish() {
  if (downgrade_) {
    downgrade_->finish(converted_);
    take_converted();
  }
  if (is_over()) return;
  header_.finish();
  walk_.finish();
}

bool Content::is_over() const {
  return checks_.is_discarded() || !checks_.failure().empty() || (!checks_.refusal().empty() && !context_.is_returned);
}

bool Content::rewrites_headers() const {
  return context_.context == Context::local || !policy_.remote_header_rewrite_domain.empty();
}

void Content::fail(Problem problem, std::string text) {
  if (problem_ != Problem::none) return;
  problem_ = problem;
  problem_text_ = std::move(text);
}

// What a field's presence means for the fields that may have to be added, and for the log.
void Content::note(std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view other) { return ascii::equal_ignoring_case(name, other); };
  const auto says = [&](std::string_view word) { return ascii::equal_ignoring_case(ascii::trim(mail::unfolded(value)), word); };
  if (is("From")) plain_.from = true;
  else if (is("Date")) plain_.date = true;
  else if (is("Resent-From")) resent_fields_.from = true;
  else if (is("Resent-Date")) resent_fields_.date = true;
  else if (is("To") || is("Cc") || is("Resent-To") || is("Resent-Cc")) has_recipient_field_ = true;
  else if (is("Received")) ++hops_;
  else if (is("TLS-Required") && policy_.heeds_tls_required) says_tls_optional_ = says_tls_optional_ || says("no");
  else if (is(require_tls_field) && policy_.has_require_tls_header) says_tls_required_ = says_tls_required_ || says("yes");
  else if (is("Message-Id")) {
    plain_.message_id = true;
    message_id_logged_ = true;
    const std::string id = mail::unfolded(value);
    if (message_id_.empty()) message_id_ = id.substr(0, id.find('>') == std::string::npos ? id.npos : id.find('>') + 1);
    maillog::info("{}: message-id={}", context_.queue_id, id);
  } else if (is("Resent-Message-Id")) {
    resent_fields_.message_id = true;
    maillog::info("{}: resent-message-id={}", context_.queue_id, mail::unfolded(value));
  }
}

void Content::field(std::string_view text) {
  if (problem_ == Problem::mapping || is_over()) return;
  text = text.substr(0, text.find('\0'));
  if (policy_.parse_mime || policy_.detect_8bit_encoding_header) mime_.field(text);
  auto parsed = mail::split_header(text);
  if (!parsed) return;  // a NUL in the name: nothing is left of the field
  Checks::Change change;
  if (context_.is_checked && policy_.checks.see_header()) {
    change = checks_.field(text, parsed->name, false, false);
    if (is_over()) return;
    if (change.before) put_field(*change.before);
    if (!change.text) return;
    text = *change.text;
    parsed = mail::split_header(text);
  }
  if (!ascii::is_ascii(text)) has_utf8_header_ = true;
  const mail::HeaderInfo* info = mail::find_header(parsed->name);
  if (info != nullptr && info->resent) is_resent_ = true;
  note(parsed->name, parsed->value);
  if (hops_ >= policy_.hopcount_limit && problem_ == Problem::none) {
    maillog::warning("{}: message rejected: hopcount exceeded", context_.queue_id);
    fail(Problem::too_many_hops, {});
  }
  if (std::ranges::find(policy_.drop_headers, ascii::lowercase(parsed->name)) != policy_.drop_headers.end()) return;
  if (info != nullptr && info->cls != mail::HeaderClass::other && rewrites_headers()) {
    const bool is_sender = info->cls == mail::HeaderClass::sender;
    rewrite_and_put(is_sender ? AddressPlace::header_sender : AddressPlace::header_recipient, parsed->name, parsed->value);
  } else {
    put_field(fmt::format("{}:{}", parsed->name, parsed->value));
  }
}

void Content::rewrite_and_put(AddressPlace place, std::string_view name, std::string_view value) {
  auto list = mail::HeaderAddresses::parse(value, policy_.header_address_token_limit);
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto external = addresses_.rewrite(context_.context, list[i]);
    if (!external) {
      fail(Problem::rewrite, external.error().message());
      break;
    }
    if (context_.maps_addresses) {
      const std::string internal = mail::to_internal(*external);
      auto mapped = canonical_.map(place, internal);
      if (!mapped) {
        maillog::warning("{}: {}", context_.queue_id, mapped.error().message());
        fail(Problem::mapping, {});
        break;
      }
      if (*mapped != internal) *external = mail::to_external(*mapped);
    }
    list.replace(i, std::move(*external));
  }
  put_field(fmt::format("{}:{}", name, list.text(name.size() + 1)));
}

void Content::put_field(std::string_view text) { cleanup::put_field(output_, text, policy_.line_length_limit); }

void Content::add_missing() {
  const std::string_view prefix = is_resent_ ? "Resent-" : "";
  const Presence& present = is_resent_ ? resent_fields_ : plain_;
  if (!present.message_id) {
    const std::time_t created = std::chrono::system_clock::to_time_t(context_.created);
    const std::string id = fmt::format("<{:%Y%m%d%H%M%S}.{}@{}>", fmt::gmtime(created), context_.queue_id, policy_.myhostname);
    put_field(fmt::format("{}Message-Id: {}", prefix, id));
    maillog::info("{}: {}message-id={}", context_.queue_id, is_resent_ ? "resent-" : "", id);
    if (!is_resent_) {
      message_id_ = id;
      message_id_logged_ = true;
    }
  }
  if (!present.date) put_field(fmt::format("{}Date: {}", prefix, mail::rfc5322_date(context_.arrived)));
  if (!present.from) {
    const std::string from = from_field(fmt::format("{}From", prefix), context_.full_name,
                                        mail::to_external(context_.sender), policy_);
    if (!ascii::is_ascii(from)) has_utf8_header_ = true;
    put_field(from);
  }
  if (!has_recipient_field_ && !policy_.undisclosed_recipients_header.empty()) {
    put_field(policy_.undisclosed_recipients_header);
  }
}

void Content::end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) {
  if (is_over()) return;
  if (hops_ == 0) {
    maillog::warning("{}: message rejected: no Received: header", context_.queue_id);
    fail(Problem::no_received, {});
  }
  if (problem_ == Problem::none) {
    if (rewrites_headers() || policy_.always_add_missing_headers) add_missing();
    if (context_.requires_tls && policy_.has_require_tls_header && !says_tls_required_) put_field(fmt::format("{}: yes", require_tls_field));
    if (!message_id_logged_) maillog::info("{}: message-id=<>", context_.queue_id);
  }
  mime_.end_of_header();
  if (end == mail::HeaderBlock::End::content) return;
  if (end == mail::HeaderBlock::End::text) {
    constexpr std::string_view complaint = "improper message header termination";
    switch (policy_.header_end) {
      case HeaderEnd::fix_quietly: break;
      case HeaderEnd::add_header: put_field(fmt::format("MIME-Error: 5.6.0 {}", complaint)); break;
      case HeaderEnd::reject: fail(Problem::no_separator, fmt::format("5.6.0 {}", complaint)); break;
    }
  }
  output_.put(queue::RecordType::normal, {});
  if (end == mail::HeaderBlock::End::text) body(line, is_whole);
}

void Content::body(std::string_view data, bool is_whole) {
  if (context_.is_checked && policy_.checks.see_body()) return walk_.take(data, is_whole);
  if (policy_.parse_mime) mime_.body(data, at_line_start_);
  at_line_start_ = is_whole;
  output_.put(is_whole ? queue::RecordType::normal : queue::RecordType::continued, data);
}

void Content::part_field(std::string_view text, bool is_attached) {
  if (is_over()) return;
  const auto parsed = mail::split_header(text);
  const Checks::Change change = checks_.field(text, parsed ? parsed->name : "", true, is_attached);
  if (change.before) put_field(*change.before);
  if (change.text) put_field(*change.text);
}

void Content::body_line(std::string_view data, bool is_whole, std::size_t offset) {
  if (is_over()) return;
  const bool is_start = std::exchange(at_line_start_, is_whole);
  const Checks::Change change = checks_.body_line(data, offset);
  if (change.before) put_field(*change.before);
  // The end of a line of which a part is there already stays.
  if (!change.text && (is_start || !is_whole)) return;
  output_.put(is_whole ? queue::RecordType::normal : queue::RecordType::continued, change.text.value_or(""));
}

}  // namespace cleanup
