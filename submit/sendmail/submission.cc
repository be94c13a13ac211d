#include "submit/sendmail/submission.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/header_addresses.h"
#include "submit/envelope_filter.h"

namespace sendmail {
namespace {

using queue::RecordType;

constexpr std::size_t sender_tokens = 10240;

// Line breaks would end the record's meaning.
std::string in_one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

bool is_mbox_line(std::string_view line) { return line.starts_with("From ") || line.starts_with(">From "); }

}  // namespace

Result<LineEndings> parse_line_endings(std::string_view word) {
  if (word == "always") return LineEndings::always;
  if (word == "strict") return LineEndings::strict;
  if (word == "never") return LineEndings::never;
  return base::fail(fmt::format("invalid sendmail_fix_line_endings value: {}", word));
}

Sender parse_sender(std::string_view text) {
  const auto parsed = mail::HeaderAddresses::parse(text, sender_tokens);
  if (parsed.size() == 0) return {};
  return {mail::to_internal(parsed[0]), parsed.size() == 1};
}

Submission::Submission(const Options& options, std::string sender, std::string full_name, std::string verp,
                       LineEndings endings, Limits limits, RecordSink& sink)
    : options_(options),
      sender_(std::move(sender)),
      full_name_(in_one_line(full_name)),
      verp_(std::move(verp)),
      endings_(endings),
      limits_(limits),
      sink_(sink),
      strips_cr_(endings == LineEndings::always) {
  if (options.extract_recipients) {
    mail::HeaderBlock::Handler& handler = *this;
    header_ = std::make_unique<mail::HeaderBlock>(limits.header_size, handler);
  }
}

void Submission::begin() {
  const auto attribute = [&](std::string_view name, std::string_view value) {
    sink_.put(RecordType::attribute, fmt::format("{}={}", name, value));
  };
  const int wishes = (options_.requires_tls ? queue::tls_required : 0) | (options_.needs_smtputf8 ? queue::smtputf8_requested : 0);
  if (wishes != 0) sink_.put(RecordType::size, submit::size_record_with(wishes));
  if (!options_.envelope_id.empty()) attribute("envelope_id", options_.envelope_id);
  if (options_.ret != 0) attribute("ret_flags", std::to_string(options_.ret));
  attribute("rewrite_context", options_.is_gateway ? "remote" : "local");
  sink_.put(RecordType::fullname, full_name_);
  sink_.put(RecordType::sender, sender_);
  if (!verp_.empty()) sink_.put(RecordType::verp, verp_);
  if (!options_.encoding.empty()) attribute("encoding", options_.encoding);
  if (options_.mode == Mode::verify) attribute("trace_flags", std::to_string(submit::trace_verify));
  else if (options_.report) attribute("trace_flags", std::to_string(submit::trace_record));
  for (const std::string& recipient : options_.recipients) put_recipients(recipient);
  sink_.put(RecordType::message_start, {});
}

void Submission::put_recipient(std::string_view internal) {
  if (options_.notify != 0) sink_.put(RecordType::attribute, fmt::format("notify_flags={}", options_.notify));
  sink_.put(RecordType::recipient, internal);
  ++recipients_;
}

// A word of the command line may name several. An empty one is the null recipient, which the mail system gets.
void Submission::put_recipients(std::string_view list) {
  const auto parsed = mail::HeaderAddresses::parse(list, limits_.address_tokens);
  if (parsed.size() == 0) put_recipient({});
  for (std::size_t i = 0; i < parsed.size(); ++i) put_recipient(mail::to_internal(parsed[i]));
}

bool Submission::take(std::string_view bytes) {
  while (!bytes.empty() && !is_over_) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(std::min(part.size() + 1, bytes.size()));
    pending_ += part;
    if (end != std::string_view::npos) {
      const std::string text = std::exchange(pending_, {});
      if (!line(text, true)) is_over_ = true;
      continue;
    }
    // One byte stays back: a CR may belong to the line end.
    while (pending_.size() > limits_.line_length) {
      const std::string text = pending_.substr(0, limits_.line_length);
      pending_.erase(0, limits_.line_length);
      static_cast<void>(line(text, false));
    }
  }
  return !is_over_;
}

// A line, or a part of a long one. False when it ends the message.
bool Submission::line(std::string_view text, bool is_whole) {
  const bool is_start = !in_line_;
  in_line_ = !is_whole;
  if (is_whole && is_first_line_) {
    is_first_line_ = false;
    if (endings_ == LineEndings::strict) strips_cr_ = text.ends_with('\r');
  }
  if (is_whole && strips_cr_ && text.ends_with('\r')) text.remove_suffix(1);
  if (is_start && is_whole && !options_.ignore_dots && text == ".") return false;
  if (at_start_ && (skips_line_ || (is_start && is_mbox_line(text)))) {
    skips_line_ = !is_whole;
    return true;
  }
  at_start_ = false;
  for (; text.size() > limits_.line_length; text.remove_prefix(limits_.line_length)) {
    content(text.substr(0, limits_.line_length), false);
  }
  content(text, is_whole);
  return true;
}

void Submission::content(std::string_view text, bool is_whole) {
  if (header_ && header_->is_open()) return header_->take(text, is_whole);
  sink_.put(is_whole ? RecordType::normal : RecordType::continued, text);
}

void Submission::put_line(std::string_view line) {
  for (; line.size() > limits_.line_length; line.remove_prefix(limits_.line_length)) {
    sink_.put(RecordType::continued, line.substr(0, limits_.line_length));
  }
  sink_.put(RecordType::normal, line);
}

void Submission::field(std::string_view text) {
  const auto parsed = mail::split_header(text);
  const mail::HeaderInfo* info = parsed ? mail::find_header(parsed->name) : nullptr;
  if (info != nullptr && info->extracted) {
    const auto list = mail::HeaderAddresses::parse(parsed->value, limits_.address_tokens);
    std::vector<std::string>& out = info->resent ? resent_ : extracted_;
    for (std::size_t i = 0; i < list.size(); ++i) out.push_back(mail::to_internal(list[i]));
  }
  std::string whole = parsed ? fmt::format("{}:{}", parsed->name, parsed->value) : std::string(text);
  for (std::string_view rest = whole;;) {
    const std::size_t end = rest.find('\n');
    put_line(rest.substr(0, end));
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

void Submission::end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) {
  if (end == mail::HeaderBlock::End::content) return;
  sink_.put(RecordType::normal, {});
  if (end == mail::HeaderBlock::End::text) {
    sink_.put(is_whole ? RecordType::normal : RecordType::continued, line);
  }
}

Result<void> Submission::finish() {
  if (!is_over_ && !pending_.empty()) static_cast<void>(line(std::exchange(pending_, {}), false));
  // Like Postfix, a message that is read for its header ends with a whole line.
  if (header_ && !header_->is_open() && in_line_) sink_.put(RecordType::normal, {});
  if (header_) header_->finish();
  sink_.put(RecordType::extracted, {});
  if (options_.extract_recipients) {
    // A resent message goes to whom it is resent.
    for (const std::string& recipient : resent_.empty() ? extracted_ : resent_) put_recipient(recipient);
    if (recipients_ == 0) return base::fail("No recipient addresses found in message header");
  }
  sink_.put(RecordType::end, {});
  return {};
}

void Submission::put_probe() {
  put_line(fmt::format("From: {}", in_one_line(mail::to_external(sender_))));
  put_line("Subject: probe");
  if (options_.recipients.empty()) return;
  sink_.put(RecordType::continued, "To:");
  for (std::size_t i = 0; i < options_.recipients.size(); ++i) {
    put_line(fmt::format("\t{}{}", in_one_line(options_.recipients[i]), i + 1 < options_.recipients.size() ? "," : ""));
  }
}

}  // namespace sendmail
