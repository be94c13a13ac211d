#include "cleanup/message.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "cleanup/lookup.h"
#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/queue/message.h"

namespace cleanup {
namespace {

using ipc::CleanupFlags;
using ipc::CleanupStatus;
using queue::RecordType;

// Bit of its fourth: recipients and other records are mixed, a reader must look at all. NOTIFY bits stand above it.
constexpr int flag_mixed = 1;

// The attributes that milters are told of, as macros.
constexpr std::array<std::string_view, 9> told_facts{"client_name", "client_address", "client_port", "reverse_client_name", "server_address",
                                                     "server_port", "sasl_method",    "sasl_username", "sasl_sender"};

constexpr std::string_view alias_failure = "4.6.0 Alias expansion error";

// "sec usec", or "sec".
std::optional<Stamp> parse_time(std::string_view text) {
  const auto parts = ascii::split(text, " ");
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const auto seconds = ascii::parse_number(parts[0], queue::time_limit);
  const auto micros = parts.size() == 2 ? ascii::parse_number(parts[1], 999'999) : std::optional<std::uint64_t>(0);
  if (!seconds || !micros) return std::nullopt;
  return Stamp(std::chrono::seconds(*seconds)) + std::chrono::microseconds(*micros);
}

}  // namespace

Message::Message(Addresses& addresses, const Policy& policy, Output& output, Identity identity)
    : addresses_(addresses),
      policy_(policy),
      output_(output),
      identity_(std::move(identity)),
      canonical_(addresses, policy, identity_.queue_id),
      recipients_(addresses, policy, output) {}

// The lowest status counts, as ipc::CleanupStatus says, and its reason.
void Message::fail(CleanupStatus status, std::string reason) {
  if (status_ != CleanupStatus::ok && status_ <= status) return;
  status_ = status;
  reason_ = std::move(reason);
}

template <class... Args>
void Message::reject(fmt::format_string<Args...> format, Args&&... args) {
  maillog::warning("{}: message rejected: {}", identity_.queue_id, fmt::format(format, std::forward<Args>(args)...));
  fail(CleanupStatus::bad);
  segment_ = Segment::done;
}

void Message::deferred_by(const base::Error& error, std::string_view reason) {
  maillog::warning("{}: {}", identity_.queue_id, error.message());
  fail(CleanupStatus::defer, std::string(reason));
}

// What Postfix answers when a table that changes addresses cannot be asked.
void Message::unwritten_for(const base::Error& error) {
  maillog::warning("{}: {}", identity_.queue_id, error.message());
  fail(CleanupStatus::write);
}

bool Message::maps_addresses() const { return ipc::has(identity_.flags, CleanupFlags::map); }

// Mail that the suite itself makes or passes on gets none, or copies of copies would go round.
bool Message::makes_copies() const { return maps_addresses() && !ipc::has(identity_.flags, CleanupFlags::internal); }

bool Message::comes_again() const { return status_ == CleanupStatus::defer || status_ == CleanupStatus::write; }

// What is refused may go back to its sender, and is needed for that.
bool Message::is_listening() const {
  if (ipc::has(flags_, ipc::MessageFlags::discard)) return false;
  return status_ == CleanupStatus::ok || (status_ == CleanupStatus::content && ipc::has(identity_.flags, CleanupFlags::bounce));
}

void Message::take(RecordType type, std::string_view data) {
  const Treatment what = treatment(segment_, type);
  if (segment_ != Segment::content && data.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return reject("line break or NUL in record type {} in {}", static_cast<int>(type), name(segment_));
  }
  switch (what) {
    case Treatment::refuse:
      return reject("unexpected record type {} in {}", static_cast<int>(type), name(segment_));
    case Treatment::forbid:
      maillog::warning("{}: record type {} not allowed - discarding this message", identity_.queue_id, static_cast<int>(type));
      fail(CleanupStatus::bad);
      segment_ = Segment::done;
      return;
    case Treatment::drop: return;
    case Treatment::take_flags: return take_flags(data);
    case Treatment::copy: return copy(type, data);
    case Treatment::take_time: return take_time(data);
    case Treatment::take_fullname:
      full_name_ = data;
      return copy(type, data);
    case Treatment::take_sender: return take_sender(data);
    case Treatment::take_recipient: return take_recipient(data);
    case Treatment::take_original: next_.original = data; return;
    case Treatment::take_warn_time:
      has_warn_time_ = true;
      return copy(type, data);
    case Treatment::take_attribute: return take_attribute(data);
    case Treatment::take_verp:
      if (has_sender_ && !sender_.empty()) return copy(type, data);
      maillog::warning("{}: ignoring VERP request for null sender", identity_.queue_id);
      return;
    case Treatment::take_dsn_ret:
      take_ret(data, data);
      if (!is_finished()) copy(type, data);
      return;
    case Treatment::take_dsn_orcpt: next_.dsn_original = data; return;
    case Treatment::take_dsn_notify: return take_notify(data, data);
    case Treatment::start_content: return start_content();
    case Treatment::take_content:
      // Of a message that is refused already nothing is written: the client is only listened to.
      if (!is_listening()) return;
      content_->take(data, type == RecordType::normal);
      if (policy_.message_size_limit > 0 && output_.content_size() > policy_.message_size_limit) {
        maillog::warning("{}: queue file size limit exceeded", identity_.queue_id);
        fail(CleanupStatus::size);
      }
      return;
    case Treatment::end_content: return end_content();
    case Treatment::finish: return end();
  }
}

void Message::copy(RecordType type, std::string_view data) {
  if (has_recipients_) is_mixed_ = true;
  output_.put(type, data);
}

void Message::take_time(std::string_view data) {
  if (arrived_) return;
  arrived_ = parse_time(data);
  if (!arrived_) return reject("malformed time envelope record: {}", data);
  copy(RecordType::time, data);
  output_.put_attribute("create_time", std::to_string(std::chrono::system_clock::to_time_t(identity_.created)));
}

void Message::take_sender(std::string_view data) {
  if (has_sender_) return reject("multiple envelope sender records");
  has_sender_ = true;
  auto address = rewrite_internal(addresses_, std::string(data));
  if (!address) return deferred_by(address.error(), "");
  auto mapped = canonical(AddressPlace::envelope_sender, std::move(*address));
  if (!mapped) return unwritten_for(mapped.error());
  sender_ = std::move(*mapped);
  if (!ascii::is_ascii(sender_)) is_utf8_envelope_ = true;
  copy(RecordType::sender, sender_);
}

Result<std::string> Message::canonical(AddressPlace place, std::string internal) const {
  if (!maps_addresses()) return internal;
  return canonical_.map(place, std::move(internal));
}

void Message::take_recipient(std::string_view data) {
  if (!has_sender_) return reject("missing sender envelope record");
  before_recipients();
  has_recipients_ = true;
  next_.address = data;
  const GivenRecipient given = std::exchange(next_, {});
  recipient_ = given.address;
  if (comes_again()) return;
  auto completed = rewrite_internal(addresses_, given.address.empty() ? policy_.empty_address_recipient : given.address);
  if (!completed) return deferred_by(completed.error(), "");
  const auto address = canonical(AddressPlace::envelope_recipient, *completed);
  if (!address) return unwritten_for(address.error());
  recipient_ = *address;
  const Recipients::Options options{maps_addresses(), ipc::has(identity_.flags, CleanupFlags::smtputf8)};
  if (auto added = recipients_.add(given, *address, options); !added) deferred_by(added.error(), alias_failure);
  copy_as_told_by(AddressTable::recipient_bcc, *address);
}

// A copy goes to what sender_bcc_maps or recipient_bcc_maps say of a canonical address, which is one address in internal form.
void Message::copy_as_told_by(AddressTable table, const std::string& address) {
  if (!makes_copies() || address.empty() || comes_again()) return;
  const auto found = addresses_.lookup(table, address);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return unwritten_for(base::Error(fmt::format("{} map lookup problem -- {}", parameter_name(table), not_accepted)));
  }
  if (*found) add_copy((*found)->text);
}

void Message::add_copy(const std::string& address) {
  auto completed = rewrite_internal(addresses_, address);
  if (!completed) return deferred_by(completed.error(), "");
  const auto canonical_form = canonical(AddressPlace::envelope_recipient, std::move(*completed));
  if (!canonical_form) return unwritten_for(canonical_form.error());
  if (auto added = recipients_.add_copy(*canonical_form); !added) deferred_by(added.error(), alias_failure);
}

void Message::take_notify(std::string_view value, std::string_view record) {
  const auto bits = ascii::parse_number(value, mail::notify::all);
  if (!bits || !mail::notify::is_consistent(*bits)) {
    maillog::warning("{}: ignoring malformed DSN notify record <{}>", identity_.queue_id, record);
    return;
  }
  next_.notify = static_cast<int>(*bits);
}

// What a program in front of us has decided of the message after it began it.
void Message::take_flags(std::string_view data) {
  constexpr auto known = static_cast<unsigned>(ipc::MessageFlags::hold | ipc::MessageFlags::discard);
  const auto bits = ascii::parse_number(data, known);
  if (!bits || (*bits & ~std::uint64_t{known}) != 0) {
    maillog::warning("{}: ignoring bad extra flags: {}", identity_.queue_id, data);
    return;
  }
  flags_ = flags_ | static_cast<ipc::MessageFlags>(*bits);
}

void Message::take_ret(std::string_view value, std::string_view record) {
  const auto number = ascii::parse_number(value, mail::ret::headers);
  if (!number || *number == 0) return reject("bad DSN RET record <{}>", record);
  dsn_ret_ = static_cast<int>(*number);
}

void Message::take_attribute(std::string_view data) {
  const std::size_t equals = data.find('=');
  if (equals == 0 || data.empty()) return reject("malformed attribute: missing attribute name: {}", data);
  if (equals == std::string_view::npos) {
    return reject("malformed attribute: missing '=' after attribute name: {}", data);
  }
  const std::string_view name = data.substr(0, equals), value = data.substr(equals + 1);
  if (name == "dsn_orig_rcpt") {
    next_.dsn_original = value;
    return;
  }
  if (name == "notify_flags") return take_notify(value, data);
  if (name == "create_time") return;
  if (++attributes_ > policy_.attribute_count_limit) {
    return reject("attribute count exceeds limit {}", policy_.attribute_count_limit);
  }
  if (value.empty()) {
    maillog::warning("{}: spurious null attribute value for \"{}\" -- ignored", identity_.queue_id, name);
    return;
  }
  if (name == "rewrite_context") {
    if (value != "local" && value != "remote") return reject("bad rewriting context: {}", value);
    context_ = value == "local" ? Context::local : Context::remote;
  } else if (name == "ret_flags") {
    take_ret(value, data);
    if (is_finished()) return;
  } else if (name == "encoding") {
    encoding_ = value;
    if (segment_ == Segment::extracted) return;  // written by ourselves, once
  } else if (name == "envelope_id") {
    envelope_id_ = value;
  } else if (name == "log_message_origin") {
    origin_ = value;
  } else if (name == "log_protocol_name") {
    protocol_ = value;
  } else if (name == "log_helo_name") {
    helo_ = value;
  }
  if (std::ranges::find(told_facts, name) != told_facts.end()) facts_.emplace_back(name, value);
  copy(RecordType::attribute, data);
}

// What stands before the first recipient of a segment, or at the segment's end when it has none.
void Message::before_recipients() {
  if (has_preamble_) return;
  has_preamble_ = true;
  if (segment_ == Segment::envelope) {
    if (!has_warn_time_ && policy_.delay_warning_time.count() > 0 && !sender_.empty() && arrived_) {
      const auto due = std::chrono::system_clock::to_time_t(*arrived_ + policy_.delay_warning_time);
      output_.put(RecordType::warn_time, fmt::format("{:15}", due));
    }
    copy_as_told_by(AddressTable::sender_bcc, sender_);
    return;
  }
  if (!content_->message_id().empty()) output_.put_attribute("message_id", content_->message_id());
  if (content_->is_8bit()) encoding_ = "8bit";
  if (!encoding_.empty()) output_.put_attribute("encoding", encoding_);
}

void Message::start_content() {
  if (!arrived_) return reject("missing time envelope record");
  if (!has_sender_) return reject("missing sender envelope record");
  before_recipients();
  output_.put(RecordType::message_start, {});
  content_ = std::make_unique<Content>(
      addresses_, policy_, output_,
      ContentContext{.queue_id = identity_.queue_id, .arrived = *arrived_, .created = identity_.created, .context = context_,
                     .sender = sender_, .full_name = full_name_, .maps_addresses = maps_addresses(),
                     .is_checked = ipc::has(identity_.flags, CleanupFlags::filter),
                     .is_returned = ipc::has(identity_.flags, CleanupFlags::bounce),
                     .requires_tls = ipc::has(identity_.flags, CleanupFlags::tls_required),
                     .origin = origin_, .recipient = recipient_, .protocol = protocol_, .helo = helo_});
  segment_ = Segment::content;
}

void Message::end_content() {
  const bool is_seen = is_listening() || status_ == CleanupStatus::size;
  if (is_seen) content_->finish();
  output_.put(RecordType::extracted, {});
  segment_ = Segment::extracted;
  has_preamble_ = has_recipients_ = false;
  next_ = {};
  if (!is_seen) return;
  take_verdict(content_->checks());
  switch (content_->problem()) {
    case Content::Problem::none: return;
    case Content::Problem::no_received:
      fail(CleanupStatus::bad);
      segment_ = Segment::done;
      return;
    case Content::Problem::too_many_hops: return fail(CleanupStatus::hops);
    case Content::Problem::no_separator: return fail(CleanupStatus::content, content_->problem_text());
    case Content::Problem::rewrite: return deferred_by(base::Error(content_->problem_text()), "");
    case Content::Problem::mapping: return fail(CleanupStatus::write);
  }
}

void Message::take_verdict(const Checks& checks) {
  if (!checks.failure().empty()) {
    maillog::warning("{}: {}", identity_.queue_id, checks.failure());
    return fail(CleanupStatus::write);
  }
  if (!checks.refusal().empty()) fail(CleanupStatus::content, checks.refusal());
  if (!checks.fault().empty()) fail(CleanupStatus::content, checks.fault());
  if (!checks.filter().empty()) output_.put(RecordType::filter, checks.filter());
  if (!checks.redirect().empty()) output_.put(RecordType::redirect, checks.redirect());
}

void Message::end() {
  before_recipients();
  segment_ = Segment::done;
  if (recipients_.count() == 0) fail(CleanupStatus::recipients);
  if (status_ != CleanupStatus::ok) return;
  if (content_) {
    for (const std::string& address : content_->checks().copies()) add_copy(mail::to_internal(address));
  }
  if (!policy_.always_bcc.empty() && makes_copies()) add_copy(policy_.always_bcc);
}

int Message::queue_flags() const {
  return (is_mixed_ ? flag_mixed : 0) | recipients_.notify_seen() << 1;
}

int Message::send_options() const {
  int options = 0;
  if (content_ && content_->has_utf8_header()) options |= queue::smtputf8_header;
  if (is_utf8_envelope_) options |= queue::smtputf8_sender;
  const bool autodetected = ipc::has(identity_.flags, CleanupFlags::autodetect_smtputf8) &&
                            (options != 0 || recipients_.has_utf8());
  if (ipc::has(identity_.flags, CleanupFlags::smtputf8) || autodetected) options |= queue::smtputf8_requested;
  if (content_ && content_->says_tls_optional()) options |= queue::tls_optional;
  if (ipc::has(identity_.flags, CleanupFlags::tls_required) || (content_ && content_->says_tls_required())) options |= queue::tls_required;
  return options;
}

}  // namespace cleanup
